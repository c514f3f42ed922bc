/** What the origin's answer means for each message: pure decisions. */
import type { Answer } from "./origin";

/** What becomes of one message. */
export type Fate =
  | { readonly kind: "done" }
  | { readonly kind: "dead"; readonly reason: string }
  | { readonly kind: "again"; readonly reason: string; readonly delaySeconds: number | null };

/** What became of a whole request. */
export type Outcome =
  | { readonly kind: "judged"; readonly fates: ReadonlyMap<string, Fate> }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string; readonly delaySeconds: number | null };

export interface Backoff {
  readonly baseSeconds: number;
  readonly capSeconds: number;
}

/** Cloudflare's pages disagree between 12 and 24 hours. */
export const LONGEST_DELAY_SECONDS = 43_200;
const LONGEST_REASON = 300;

/** Returns what an answer says. 400 and 413 are about the body; all other failures are about the origin or about us,
 * and a mistake in our own settings must not cost an event. */
export function readAnswer(answer: Answer | null): Outcome {
  if (answer === null) return { kind: "unavailable", reason: "the origin did not answer", delaySeconds: null };
  if (answer.status === 400 || answer.status === 413)
    return { kind: "refused", reason: `the origin answered ${answer.status}` };
  const fates = answer.status === 200 ? readResults(answer.body) : null;
  if (fates) return { kind: "judged", fates };
  const told = answer.status === 503 || answer.status === 429 ? answer.retryAfterSeconds : null;
  return { kind: "unavailable", reason: `the origin answered ${answer.status}`, delaySeconds: told };
}

/** Returns what becomes of a message the origin did not mention. */
export const FORGOTTEN: Fate = { kind: "again", reason: "the origin's answer left it out", delaySeconds: null };

/** Returns how long to wait after so many attempts: doubled each time up to the cap, half of it fixed, half random. */
export function backoffSeconds(attempts: number, { baseSeconds, capSeconds }: Backoff, random: number): number {
  const whole = Math.min(capSeconds, baseSeconds * 2 ** Math.min(attempts - 1, 30));
  return Math.round(whole / 2 + (whole / 2) * random);
}

/** Returns how long to wait when the origin named a time: that time, and a little more so that not all come at once. */
export function toldSeconds(seconds: number, random: number): number {
  return Math.min(LONGEST_DELAY_SECONDS, Math.ceil(seconds * (1 + random / 4)));
}

function readResults(body: unknown): Map<string, Fate> | null {
  const results = (body as { results?: unknown } | null)?.results;
  if (!Array.isArray(results)) return null;
  const fates = new Map<string, Fate>();
  for (const result of results as Record<string, unknown>[]) {
    const id = result?.["id"];
    if (typeof id === "string") fates.set(id, readFate(result));
  }
  return fates;
}

function readFate({ status, reason, delay }: Record<string, unknown>): Fate {
  const words = typeof reason === "string" && reason !== "" ? reason.slice(0, LONGEST_REASON) : null;
  if (status === "accepted" || status === "duplicate") return { kind: "done" };
  if (status === "rejected") return { kind: "dead", reason: words ?? "the origin rejected it" };
  const delaySeconds = typeof delay === "number" && delay >= 0 ? delay : null;
  return { kind: "again", reason: words ?? "the origin asked for another try", delaySeconds };
}
