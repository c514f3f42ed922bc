/** HMAC and comparisons that take the same time wherever two values differ. */
import { utf8 } from "./bytes";

export type Hash = "SHA-1" | "SHA-256" | "SHA-384" | "SHA-512";

async function importKey(secret: Uint8Array, hash: Hash): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash }, false, ["sign", "verify"]);
}

/** Returns the HMAC of data. */
export async function hmac(secret: Uint8Array, data: Uint8Array, hash: Hash = "SHA-256"): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", await importKey(secret, hash), data));
}

/** Returns whether a signature is the HMAC of data, in constant time; one of another length is not. */
export async function hmacMatches(
  secret: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
  hash: Hash = "SHA-256",
): Promise<boolean> {
  if (secret.length === 0) return false;
  return crypto.subtle.verify("HMAC", await importKey(secret, hash), signature, data);
}

/** Returns whether two texts are equal, in a time that tells neither where they differ nor how long they are. */
export async function sameText(given: string, expected: string): Promise<boolean> {
  const once = crypto.getRandomValues(new Uint8Array(32));
  return hmacMatches(once, utf8(expected), await hmac(once, utf8(given)));
}
