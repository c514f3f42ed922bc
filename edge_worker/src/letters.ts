/** Dead letters: what could not be delivered, kept whole in R2 until somebody sends it again. */
import type { Delivery } from "./batches";
import { sha256Hex, utf8 } from "./bytes";
import type { Env } from "./env";
import * as log from "./log";
import { BodyGoneError, type Message as Queued, bodyOf } from "./messages";
import { keepNotice } from "./notices";

/** What the origin is told of a dead letter. */
export interface Letter {
  readonly id: string;
  readonly source: string;
  readonly key: string;
  readonly received_at: string;
  readonly dead_at: string;
  readonly edge_attempts: number;
  readonly size: number;
  readonly sha256: string;
  readonly content_type: string;
  readonly scheme: string;
  readonly reason: string;
  readonly redrives: number;
}

/** The R2 object `dlq/{source}/{id}.json`. */
export interface StoredLetter {
  readonly v: 1;
  readonly letter: Letter;
  /** With its body inside; null when the body was gone or the message could not be read. */
  readonly message: Queued | null;
  /** What the queue delivered, when it could not be read. */
  readonly unreadable?: unknown;
}

/** What a listing says of a letter without opening it. */
export interface Listed {
  readonly name: string;
  readonly id: string;
  readonly source: string;
  readonly reason: string;
  readonly redrives: number;
  readonly size: number;
  readonly deadAt: number;
  /** It died of time, not by a verdict: trying again may help by itself. */
  readonly exhausted: boolean;
}

export interface Burial {
  readonly delivery: Pick<Delivery, "message" | "attempts">;
  readonly reason: string;
  readonly exhausted: boolean;
  readonly now: Date;
}

const PREFIX = "dlq/";

/** Returns the letter a message became. Throws when R2 fails; then it is none yet. */
export async function buryMessage(env: Env, { delivery, reason, exhausted, now }: Burial): Promise<Letter> {
  const { message, attempts } = delivery;
  const { id, source, key, received_at, size, sha256, content_type, scheme, redrives } = message;
  const dead_at = now.toISOString();
  const facts = { id, source, key, received_at, dead_at, size, sha256, content_type, scheme, redrives };
  const letter = { ...facts, edge_attempts: attempts, reason: printable(reason) };
  const body = await bodyIfThere(env, message);
  const whole = body === null ? null : { ...message, body, body_ref: null };
  return keep(env, { v: 1, letter, message: whole }, exhausted);
}

/** Returns the letter of something on the queue that is not a message of ours. Throws when R2 fails. */
export async function buryUnreadable(env: Env, delivered: Message<unknown>, now: Date): Promise<Letter> {
  const bytes = utf8(JSON.stringify(delivered.body) ?? "");
  const letter: Letter = {
    id: crypto.randomUUID(), // the queue's own ids are of another form
    source: "unknown",
    key: `message:${delivered.id}`,
    received_at: delivered.timestamp.toISOString(),
    dead_at: now.toISOString(),
    edge_attempts: delivered.attempts,
    size: bytes.length,
    sha256: await sha256Hex(bytes),
    content_type: "",
    scheme: "",
    reason: "it is not a message this Worker can read",
    redrives: 0,
  };
  return keep(env, { v: 1, letter, message: null, unreadable: delivered.body }, false);
}

/** Yields every letter, or those of one source, in the order of their names. */
export async function* listLetters(env: Env, source?: string): AsyncGenerator<Listed> {
  const prefix = source === undefined ? PREFIX : `${PREFIX}${source}/`;
  let cursor: string | undefined;
  do {
    const page: R2Objects = await env.STORE.list({
      prefix,
      include: ["customMetadata"],
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const { key, customMetadata } of page.objects) yield listed(key, customMetadata ?? {});
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
}

/** Returns a letter as it was kept; null when it is no longer there. */
export async function openLetter(env: Env, name: string): Promise<StoredLetter | null> {
  const object = await env.STORE.get(name);
  return object === null ? null : object.json<StoredLetter>();
}

async function keep(env: Env, stored: StoredLetter, exhausted: boolean): Promise<Letter> {
  const { letter } = stored;
  const customMetadata = {
    reason: letter.reason,
    redrives: String(letter.redrives),
    size: String(letter.size),
    dead_at: letter.dead_at,
    exhausted: String(exhausted),
  };
  await env.STORE.put(`${PREFIX}${letter.source}/${letter.id}.json`, JSON.stringify(stored), { customMetadata });
  await keepNotice(env, letter);
  log.warning("letter_kept", { id: letter.id, source: letter.source, reason: letter.reason });
  return letter;
}

async function bodyIfThere(env: Env, message: Queued): Promise<string | null> {
  try {
    return await bodyOf(env, message);
  } catch (problem) {
    if (problem instanceof BodyGoneError) return null; // the letter itself says so in its reason
    throw problem;
  }
}

function listed(name: string, metadata: Record<string, string>): Listed {
  const [, source = "", file = ""] = name.split("/");
  return {
    name,
    id: file.replace(/\.json$/, ""),
    source,
    reason: metadata["reason"] ?? "",
    redrives: Number(metadata["redrives"] ?? 0),
    size: Number(metadata["size"] ?? 0),
    deadAt: Date.parse(metadata["dead_at"] ?? ""),
    exhausted: metadata["exhausted"] === "true",
  };
}

/** Returns a reason as R2's metadata can hold it: printable ASCII, not too long. */
function printable(reason: string): string {
  return reason.replace(/[^\x20-\x7e]/g, "?").slice(0, 500);
}
