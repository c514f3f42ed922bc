/** Messages on the queue: small bodies inside, large ones in R2, where they are written first. */
import { base64Length, fromBase64, toBase64, utf8 } from "./bytes";
import { within } from "./deadline";
import type { Env } from "./env";
import type { Envelope } from "./envelope";

/** An envelope with its body, or with the name of the R2 object that is its body. */
export interface Message extends Envelope {
  readonly body: string | null;
  readonly body_ref: string | null;
}

/** The queue takes 128,000 B and needs about 100 of them for itself; the rest is reserve. */
export const MOST_INLINE_BYTES = 120_000;
/** A queue that is overloaded may let a sender wait for a minute, and the sender's own patience is ten seconds. */
const STORE_SECONDS = 5;

/** A message names a body that R2 no longer has. */
export class BodyGoneError extends Error {}

/** Returns how long an envelope is without its body, in bytes of JSON. */
function serialisedBytes(envelope: Envelope): number {
  return utf8(JSON.stringify({ ...envelope, body: null, body_ref: null })).length;
}

/** Returns when the queue has the message. Throws when R2 or the queue fails or takes too long; then it may still come. */
export async function enqueue(env: Env, envelope: Envelope, body: Uint8Array): Promise<void> {
  await within(STORE_SECONDS, "queueing", send(env, envelope, body));
}

async function send(env: Env, envelope: Envelope, body: Uint8Array): Promise<void> {
  await env.EVENTS.send(await pack(env, envelope, body), { contentType: "json" });
}

async function pack(env: Env, envelope: Envelope, body: Uint8Array): Promise<Message> {
  if (serialisedBytes(envelope) + base64Length(body.length) <= MOST_INLINE_BYTES)
    return { ...envelope, body: toBase64(body), body_ref: null };
  // The body comes first, so that no message ever names a body that is not there.
  const name = `bodies/${envelope.received_at.slice(0, 10)}/${envelope.id}`;
  await env.STORE.put(name, body);
  return { ...envelope, body: null, body_ref: name };
}

/** Returns a message's body in base64. Throws BodyGoneError, or what R2 throws. */
export async function bodyOf(env: Env, message: Message): Promise<string> {
  if (message.body !== null) return message.body;
  const object = await env.STORE.get(message.body_ref ?? "");
  if (object === null) throw new BodyGoneError(`its body ${message.body_ref} is no longer in the bucket`);
  return toBase64(new Uint8Array(await object.arrayBuffer()));
}

/** Returns the message a queue delivered; null when this is none of ours. */
export function readMessage(value: unknown): Message | null {
  if (typeof value !== "object" || value === null) return null;
  const message = value as Partial<Message>;
  const texts = [message.id, message.source, message.key, message.received_at, message.sha256];
  const whole = message.v === 1 && texts.every((text) => typeof text === "string") && Array.isArray(message.headers);
  const hasBody = typeof message.body === "string" || typeof message.body_ref === "string";
  return whole && hasBody && typeof message.size === "number" ? (message as Message) : null;
}

/** Returns the bytes of a body in base64; of one that is damaged, none. */
export function bodyBytes(base64: string): Uint8Array {
  return fromBase64(base64) ?? new Uint8Array();
}
