/** The queue's consumer: posts signed batches to the origin and does what it says about each message. */
import { type Delivery, onTheWire, split } from "./batches";
import { utf8 } from "./bytes";
import { type Env, numberOf } from "./env";
import { type Letter, buryMessage, buryUnreadable } from "./letters";
import * as log from "./log";
import { BodyGoneError, bodyOf, readMessage } from "./messages";
import { postNotices } from "./notices";
import { askOrigin } from "./origin";
import { FORGOTTEN, type Fate, type Outcome, backoffSeconds, readAnswer, toldSeconds } from "./verdicts";

type Unavailable = Extract<Outcome, { kind: "unavailable" }>;

/** Settles every message of a batch, one way or another: none is left to an exception. */
export async function consume(batch: MessageBatch<unknown>, env: Env): Promise<void> {
  const consumer = new Consumer(env);
  const deliveries: Delivery[] = [];
  for (const message of batch.messages) {
    const read = readMessage(message.body);
    if (read) deliveries.push(deliveryOf(message, read));
    else await consumer.buryUnreadable(message);
  }
  await consumer.deliverAll(deliveries);
  await postNotices(env, consumer.letters);
}

function deliveryOf(message: Message<unknown>, read: Delivery["message"]): Delivery {
  return {
    message: read,
    attempts: message.attempts,
    ack: () => message.ack(),
    retry: (options) => message.retry(options),
  };
}

class Consumer {
  /** What became a dead letter in this batch, and has to be told. */
  readonly letters: Letter[] = [];
  private readonly maxAttempts: number;
  private readonly backoff: { baseSeconds: number; capSeconds: number };

  constructor(private readonly env: Env) {
    this.maxAttempts = numberOf(env, "MAX_ATTEMPTS");
    this.backoff = {
      baseSeconds: numberOf(env, "BACKOFF_BASE_SECONDS"),
      capSeconds: numberOf(env, "BACKOFF_CAP_SECONDS"),
    };
  }

  async deliverAll(deliveries: readonly Delivery[]): Promise<void> {
    const groups = split(deliveries);
    for (let group = groups.shift(); group; group = groups.shift()) {
      const outage = await this.deliver(group);
      if (!outage) continue;
      // The others would only wait for the same silence, and a batch may not take longer than fifteen minutes.
      for (const waiting of groups.splice(0).flat()) await this.settle(waiting, again(outage));
    }
  }

  async buryUnreadable(message: Message<unknown>): Promise<void> {
    try {
      this.letters.push(await buryUnreadable(this.env, message, new Date()));
      message.ack();
    } catch (problem) {
      log.error("letter_not_kept", { id: message.id, problem: log.words(problem) });
      message.retry({ delaySeconds: this.wait(message.attempts, null) });
    }
  }

  /** Posts a group and settles each of it; returns the outage when the origin was not there for it. */
  private async deliver(group: readonly Delivery[]): Promise<Unavailable | null> {
    const loaded = await this.load(group);
    if (loaded.length === 0) return null;
    const payload = { v: 1, messages: loaded.map(({ delivery, body }) => onTheWire(delivery, body)) };
    const outcome = readAnswer(await askOrigin(this.env, "batch", utf8(JSON.stringify(payload))));
    const deliveries = loaded.map(({ delivery }) => delivery);
    log.info("batch_posted", { messages: deliveries.length, outcome: outcome.kind });
    switch (outcome.kind) {
      case "judged":
        for (const one of deliveries) await this.settle(one, outcome.fates.get(one.message.id) ?? FORGOTTEN);
        return null;
      case "refused":
        return this.deliverSingly(deliveries, outcome.reason);
      case "unavailable":
        for (const one of deliveries) await this.settle(one, again(outcome));
        return outcome;
    }
  }

  /** Finds the one message that spoils a group; on its own it is a dead letter. */
  private async deliverSingly(group: readonly Delivery[], reason: string): Promise<Unavailable | null> {
    const [first, ...others] = group;
    if (first && others.length === 0) {
      await this.settle(first, { kind: "dead", reason });
      return null;
    }
    let outage: Unavailable | null = null;
    for (const one of group) {
      if (outage) await this.settle(one, again(outage));
      else outage = await this.deliver([one]);
    }
    return outage;
  }

  /** Returns the deliveries with their bodies; one whose body cannot be had is settled here. */
  private async load(group: readonly Delivery[]): Promise<{ delivery: Delivery; body: string }[]> {
    const loaded: { delivery: Delivery; body: string }[] = [];
    for (const delivery of group) {
      try {
        loaded.push({ delivery, body: await bodyOf(this.env, delivery.message) });
      } catch (problem) {
        const gone = problem instanceof BodyGoneError;
        const reason = gone ? problem.message : `the bucket failed: ${log.words(problem)}`;
        await this.settle(delivery, gone ? { kind: "dead", reason } : { kind: "again", reason, delaySeconds: null });
      }
    }
    return loaded;
  }

  private async settle(delivery: Delivery, fate: Fate): Promise<void> {
    if (fate.kind === "done") return delivery.ack();
    const { attempts } = delivery;
    const exhausted = fate.kind === "again" && attempts >= this.maxAttempts;
    if (fate.kind === "again" && !exhausted) return this.postpone(delivery, fate.reason, fate.delaySeconds);
    const reason = exhausted ? `no success in ${attempts} attempts; the last time ${fate.reason}` : fate.reason;
    try {
      this.letters.push(await buryMessage(this.env, { delivery, reason, exhausted, now: new Date() }));
      delivery.ack();
    } catch (problem) {
      this.postpone(delivery, `the bucket did not take it as a dead letter: ${log.words(problem)}`, null);
    }
  }

  private postpone(delivery: Delivery, reason: string, told: number | null): void {
    const delaySeconds = this.wait(delivery.attempts, told);
    const { id, source } = delivery.message;
    log.warning("message_postponed", { id, source, attempts: delivery.attempts, delay_seconds: delaySeconds, reason });
    delivery.retry({ delaySeconds });
  }

  private wait(attempts: number, told: number | null): number {
    return told === null ? backoffSeconds(attempts, this.backoff, Math.random()) : toldSeconds(told, Math.random());
  }
}

function again({ reason, delaySeconds }: Unavailable): Fate {
  return { kind: "again", reason, delaySeconds };
}
