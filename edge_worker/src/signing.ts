/** Signed requests between the Worker and the origin, the same in both directions. */
import { fromHex, join, toHex } from "./bytes";
import { hmac, hmacMatches } from "./hmac";
import type { Key } from "./keys";

/** What a signature is good for; one made for another purpose does not fit. */
export type Purpose = "batch" | "dead-letters" | "ready" | "control";

/** How far the clocks of both sides may be apart, and how long a request may be on its way. */
export const TOLERANCE_SECONDS = 300;

/** Returns the headers that sign a body. */
export async function signatureHeaders(
  key: Key,
  purpose: Purpose,
  body: Uint8Array,
  nowSeconds: number,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(nowSeconds));
  const batch = crypto.randomUUID();
  const signature = await hmac(key.secret, signed(purpose, key.kid, timestamp, batch, body));
  return {
    "X-Edge-Key": key.kid,
    "X-Edge-Timestamp": timestamp,
    "X-Edge-Batch": batch,
    "X-Edge-Signature": `v1=${toHex(signature)}`,
  };
}

/** Returns the key that signed a request for this purpose just now; null when none of these did. */
export async function signer(
  keys: readonly Key[],
  purpose: Purpose,
  headers: Headers,
  body: Uint8Array,
  nowSeconds: number,
): Promise<Key | null> {
  const timestamp = headers.get("x-edge-timestamp") ?? "";
  const batch = headers.get("x-edge-batch") ?? "";
  const given = headers.get("x-edge-signature") ?? "";
  const key = keys.find(({ kid }) => kid === headers.get("x-edge-key"));
  const signature = given.startsWith("v1=") ? fromHex(given.slice(3)) : null;
  if (!key || !signature || !batch || !/^\d{1,12}$/.test(timestamp)) return null;
  if (Math.abs(nowSeconds - Number(timestamp)) > TOLERANCE_SECONDS) return null;
  const matches = await hmacMatches(key.secret, signed(purpose, key.kid, timestamp, batch, body), signature);
  return matches ? key : null;
}

function signed(purpose: Purpose, kid: string, timestamp: string, batch: string, body: Uint8Array): Uint8Array {
  return join(`v1.${purpose}.${kid}.${timestamp}.${batch}.`, body);
}
