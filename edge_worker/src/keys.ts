/** Key rings: several named keys at once, so that one can be replaced without a lost message. */
import { fromHex } from "./bytes";

export interface Key {
  /** The key's name, which travels with what it signed. */
  readonly kid: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

const ENTRY = /^([A-Za-z0-9_-]{1,64}):([0-9a-fA-F]{64})$/;

/** Returns the keys written as `kid:hex64,kid2:hex64`; null when there is none or one cannot be read. */
export function parseKeys(text: string): [Key, ...Key[]] | null {
  const keys: Key[] = [];
  for (const entry of text.split(",")) {
    const [, kid, hex] = ENTRY.exec(entry.trim()) ?? [];
    const secret = hex === undefined ? null : fromHex(hex);
    if (kid === undefined || secret === null) return null;
    keys.push({ kid, secret });
  }
  const [first, ...others] = keys;
  return first === undefined ? null : [first, ...others];
}
