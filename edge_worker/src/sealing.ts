/** Secrets at rest: AES-GCM under a key that only this Worker has. */
import { fromBase64, join, text, toBase64, utf8 } from "./bytes";
import type { Key } from "./keys";

/** Encrypted text, bound to the place it belongs to. */
export interface Sealed {
  readonly kid: string;
  readonly iv: string;
  readonly data: string;
}

/** Something sealed cannot be opened: its key is gone, or it was changed or moved. */
export class SealError extends Error {}

/** Returns a text encrypted for one place; nowhere else can it be opened. */
export async function seal(key: Key, place: string, plain: string): Promise<Sealed> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt(algorithm(iv, place), await importKey(key), utf8(plain));
  return { kid: key.kid, iv: toBase64(iv), data: toBase64(new Uint8Array(data)) };
}

/** Returns what was sealed for this place. Throws SealError. */
export async function open(keys: readonly Key[], place: string, sealed: Sealed): Promise<string> {
  const key = keys.find(({ kid }) => kid === sealed.kid);
  const iv = fromBase64(sealed.iv);
  const data = fromBase64(sealed.data);
  if (!key || !iv || !data) throw new SealError(`what ${place} holds was sealed with a key that is not here`);
  try {
    return text(new Uint8Array(await crypto.subtle.decrypt(algorithm(iv, place), await importKey(key), data)));
  } catch (cause) {
    throw new SealError(`what ${place} holds does not open with its key`, { cause });
  }
}

function algorithm(iv: Uint8Array, place: string): SubtleCryptoEncryptAlgorithm {
  return { name: "AES-GCM", iv, additionalData: join("edge-worker.v1.", place) };
}

async function importKey(key: Key): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key.secret, "AES-GCM", false, ["encrypt", "decrypt"]);
}
