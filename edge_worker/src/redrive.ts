/** Sending dead letters again. */
import { fromBase64 } from "./bytes";
import { type Env, numberOf } from "./env";
import { grouped } from "./groups";
import { type Listed, listLetters, openLetter } from "./letters";
import * as log from "./log";
import { enqueue } from "./messages";
import { forgetNotices } from "./notices";
import { askOrigin } from "./origin";

export interface Order {
  readonly source?: string;
  readonly ids?: readonly string[];
  readonly limit: number;
  readonly dryRun: boolean;
}

export interface Redriven {
  /** What was sent, or would be. */
  readonly letters: Listed[];
  readonly sent: number;
  /** What fits the order and still lies there. */
  readonly left: number;
}

/** So many in one request: each is read and sent, and a request may make a thousand calls. */
export const AT_ONCE = 400;
/** Nobody sends a letter more often than this, so that nothing goes round for ever. */
export const MOST_REDRIVES = 20;
const AUTOMATIC_AFTER_MS = 3_600_000;
/** Letters held in memory at a time. */
const CHUNK = { count: 20, bytes: 2_000_000 };

/** Sends the letters an order names, or says which it would. Throws when R2 cannot be read. */
export async function redrive(env: Env, { source, ids, limit, dryRun }: Order): Promise<Redriven> {
  const wanted = ids && new Set(ids);
  const fits = (letter: Listed): boolean => wanted?.has(letter.id) ?? true;
  return send(env, { source, fits, mostRedrives: MOST_REDRIVES, limit, dryRun });
}

/** Sends by itself what died of an outage, an hour or more ago, when the origin is there again. */
export async function redriveOnSchedule(env: Env, nowMs: number): Promise<void> {
  const mostRedrives = numberOf(env, "AUTO_REDRIVES");
  const fits = (letter: Listed): boolean => letter.exhausted && nowMs - letter.deadAt >= AUTOMATIC_AFTER_MS;
  const choice = { source: undefined, fits, mostRedrives, limit: AT_ONCE };
  const { letters } = await send(env, { ...choice, dryRun: true });
  if (letters.length === 0 || (await askOrigin(env, "ready", new Uint8Array()))?.status !== 200) return;
  const { sent, left } = await send(env, { ...choice, dryRun: false });
  log.info("redriven_on_schedule", { sent, left });
}

interface Choice {
  readonly source: string | undefined;
  readonly fits: (letter: Listed) => boolean;
  readonly mostRedrives: number;
  readonly limit: number;
  readonly dryRun: boolean;
}

async function send(env: Env, { source, fits, mostRedrives, limit, dryRun }: Choice): Promise<Redriven> {
  const chosen: Listed[] = [];
  let found = 0;
  for await (const letter of listLetters(env, source)) {
    if (!fits(letter)) continue;
    found += 1;
    if (letter.redrives < mostRedrives && chosen.length < Math.min(limit, AT_ONCE)) chosen.push(letter);
  }
  if (dryRun) return { letters: chosen, sent: 0, left: found };
  const sent: Listed[] = [];
  for (const chunk of grouped(chosen, CHUNK, ({ size }) => size)) {
    const results = await Promise.all(chunk.map(async (letter) => ((await sendOne(env, letter)) ? letter : null)));
    const gone = results.filter((letter) => letter !== null);
    // Only now: a letter that is sent twice is one event at the origin, a letter that is deleted early is none.
    if (gone.length > 0) await env.STORE.delete(gone.map(({ name }) => name));
    await forgetNotices(env, gone);
    sent.push(...gone);
  }
  return { letters: sent, sent: sent.length, left: found - sent.length };
}

/** Returns whether the queue has the letter's message again. */
async function sendOne(env: Env, { name, id, source }: Listed): Promise<boolean> {
  try {
    const stored = await openLetter(env, name);
    const body = fromBase64(stored?.message?.body ?? "");
    if (!stored?.message || body === null) {
      log.warning("letter_not_sendable", { id, source });
      return false;
    }
    const { body: _body, body_ref: _place, ...envelope } = stored.message;
    await enqueue(env, { ...envelope, redrives: envelope.redrives + 1 }, body);
    log.info("letter_redriven", { id, source, redrives: envelope.redrives + 1 });
    return true;
  } catch (problem) {
    log.error("letter_not_redriven", { id, source, problem: log.words(problem) });
    return false;
  }
}
