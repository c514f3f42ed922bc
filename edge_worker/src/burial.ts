/** The consumer of the dead-letter queue: what the main consumer never got to judge. */
import { type Env, numberOf } from "./env";
import { type Letter, buryMessage, buryUnreadable } from "./letters";
import * as log from "./log";
import { readMessage } from "./messages";
import { postNotices } from "./notices";
import { backoffSeconds } from "./verdicts";

const REASON = "the queue gave it up before the consumer could judge it";

/** Keeps every message as a dead letter and posts the notices. Without this consumer the queue would drop them. */
export async function buryAll(batch: MessageBatch<unknown>, env: Env): Promise<void> {
  const letters: Letter[] = [];
  for (const message of batch.messages) {
    try {
      letters.push(await bury(env, message));
      message.ack();
    } catch (problem) {
      log.error("letter_not_kept", { id: message.id, problem: log.words(problem) });
      const delaySeconds = backoffSeconds(message.attempts, { baseSeconds: 30, capSeconds: 3600 }, Math.random());
      message.retry({ delaySeconds });
    }
  }
  await postNotices(env, letters);
}

async function bury(env: Env, message: Message<unknown>): Promise<Letter> {
  const read = readMessage(message.body);
  if (read === null) return buryUnreadable(env, message, new Date());
  // The queue's own limit lies one above ours: whoever comes here has used up all attempts.
  const delivery = { message: read, attempts: numberOf(env, "MAX_ATTEMPTS") + 1 };
  return buryMessage(env, { delivery, reason: REASON, exhausted: true, now: new Date() });
}
