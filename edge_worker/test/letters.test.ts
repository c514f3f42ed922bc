/** Dead letters: kept whole, told, and sent again. */
import { createScheduledController } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { toBase64, utf8 } from "../src/bytes";
import type { Env } from "../src/env";
import worker from "../src/index";
import { buryMessage, openLetter } from "../src/letters";
import { MOST_REDRIVES } from "../src/redrive";
import {
  acceptAll,
  bindings,
  consume,
  environment,
  message,
  nowSeconds,
  order,
  origin,
  source,
  stored,
} from "./support";

const LONG_AGO = new Date((nowSeconds() - 7200) * 1000);

async function bury(id: string, { redrives = 0, exhausted = true, now = LONG_AGO, of = "shop", size = 2 } = {}) {
  const body = toBase64(new Uint8Array(size).fill(32));
  const delivery = { message: message(id, { redrives, source: of, size, body }), attempts: 100 };
  await buryMessage(bindings, { delivery, reason: "the origin answered 502", exhausted, now });
}

async function onSchedule(env: Env): Promise<void> {
  await worker.scheduled(createScheduledController() as ScheduledController, env);
}

const redrive = async (env: Env, fields: object) =>
  (await (await order(env, "redrive", { limit: 100, dry_run: false, ...fields })).json()) as any;

describe("what is kept", () => {
  test("the letter holds the whole message, its body from the bucket too", async () => {
    await bindings.STORE.put("bodies/x", utf8("large"));
    const delivery = { message: message("a", { body: null, body_ref: "bodies/x" }), attempts: 7 };
    await buryMessage(bindings, { delivery, reason: "naïve", exhausted: false, now: LONG_AGO });
    const kept = await openLetter(bindings, "dlq/shop/a.json");
    expect(kept?.message).toMatchObject({ id: "a", body: toBase64(utf8("large")), body_ref: null });
    expect(kept?.letter).toMatchObject({ edge_attempts: 7, reason: "na?ve", redrives: 0 });
  });

  test("what the queue itself gave up is kept and told, too", async () => {
    const { ORIGIN, posts } = origin();
    const { acked } = await consume(environment({ ORIGIN }).env, [message("a"), 7], { queue: "webhooks-dead" });
    expect(acked).toEqual(["m0", "m1"]);
    expect(await stored("dlq/")).toContain("dlq/shop/a.json");
    expect(posts[0]?.body.letters).toMatchObject([{ id: "a", edge_attempts: 101 }, { source: "unknown" }]);
  });
});

describe("notices", () => {
  test("one the origin did not take is posted again on schedule, and then forgotten", async () => {
    let away = true;
    const { ORIGIN, posts } = origin((posted) => (away ? new Response("", { status: 503 }) : acceptAll(posted)));
    const { env } = environment({ ORIGIN, AUTO_REDRIVES: "0" });
    await consume(env, [message("a")], { queue: "webhooks-dead" });
    expect(await stored("notices/")).toEqual(["notices/shop/a.json"]);

    away = false;
    await onSchedule(env);

    expect(await stored("notices/")).toEqual([]);
    expect(posts.at(-1)).toMatchObject({ path: "/api/v1/intake/dead-letters", body: { v: 1, letters: [{ id: "a" }] } });
    expect(await stored("dlq/")).toHaveLength(1);
  });

  test("one the origin will never take is forgotten, and its letter stays", async () => {
    await bury("a", { exhausted: false });
    const { ORIGIN } = origin(() => Response.json({ results: [{ id: "a", status: "rejected" }] }));
    await onSchedule(environment({ ORIGIN }).env);
    expect([await stored("notices/"), await stored("dlq/")]).toEqual([[], ["dlq/shop/a.json"]]);
  });

  test("one the origin refuses does not hold up the others", async () => {
    for (const id of ["a", "bad", "c"]) await bury(id, { exhausted: false });
    const { ORIGIN } = origin((posted) =>
      JSON.stringify(posted.body).includes('"bad"') ? new Response("", { status: 400 }) : acceptAll(posted),
    );
    await onSchedule(environment({ ORIGIN }).env);
    expect(await stored("notices/")).toEqual([]);
    expect(await stored("dlq/")).toHaveLength(3);
  });
});

describe("redrive on request", () => {
  test("the same message is queued again, counted, and its letter is gone", async () => {
    await bury("a");
    const { env, sent } = environment();
    expect(await redrive(env, {})).toMatchObject({ sent: 1, left: 0, letters: [{ id: "a", redrives: 0 }] });
    expect(sent).toMatchObject([{ id: "a", key: "delivery:a", redrives: 1, body: toBase64(utf8("  ")) }]);
    expect(await stored("")).toEqual([]);
  });

  test("a dry run sends nothing", async () => {
    await bury("a");
    const { env, sent } = environment();
    expect(await redrive(env, { dry_run: true })).toMatchObject({ sent: 0, left: 1, letters: [{ id: "a" }] });
    expect(sent).toEqual([]);
    expect(await stored("dlq/")).toHaveLength(1);
  });

  test("source, ids and limit choose", async () => {
    for (const id of ["a", "b", "c"]) await bury(id);
    await bury("d", { of: "other" });
    const { env, sent } = environment();
    await redrive(env, { source: "other" });
    await redrive(env, { ids: ["b"] });
    expect(await redrive(env, { limit: 1 })).toMatchObject({ sent: 1, left: 1 });
    expect(sent.map(({ id }) => id)).toEqual(["d", "b", "a"]);
  });

  test("a large body goes through the bucket again", async () => {
    await bury("a", { size: 300_000 });
    const { env, sent } = environment();
    await redrive(env, {});
    expect(sent).toMatchObject([{ body: null, body_ref: "bodies/2026-11-01/a" }]);
    expect((await bindings.STORE.head("bodies/2026-11-01/a"))?.size).toBe(300_000);
  });

  test("what was sent too often already stays, and so does what cannot be sent", async () => {
    await bury("often", { redrives: MOST_REDRIVES });
    await bury("hollow");
    await bindings.STORE.put("dlq/shop/hollow.json", "{}");
    const { env, sent } = environment();
    expect(await redrive(env, {})).toMatchObject({ sent: 0, left: 2 });
    expect(sent).toEqual([]);
  });

  test("a letter the queue did not take again is kept", async () => {
    await bury("a");
    const EVENTS = { send: async () => Promise.reject(new Error("overloaded")) } as unknown as Queue;
    expect(await redrive(environment({ EVENTS }).env, {})).toMatchObject({ sent: 0, left: 1 });
    expect(await stored("dlq/")).toHaveLength(1);
  });
});

describe("redrive on schedule", () => {
  test("only what an outage killed, an hour ago, and not too often", async () => {
    await bury("fits");
    await bury("rejected", { exhausted: false });
    await bury("fresh", { now: new Date() });
    await bury("often", { redrives: 3 });
    const { ORIGIN } = origin();
    const { env, sent } = environment({ ORIGIN });
    await onSchedule(env);
    expect(sent.map(({ id }) => id)).toEqual(["fits"]);
  });

  test("nothing while the origin is not ready", async () => {
    await bury("fits");
    const { ORIGIN, posts } = origin(({ path }) => new Response("", { status: path.endsWith("/ready") ? 503 : 500 }));
    const { env, sent } = environment({ ORIGIN });
    await onSchedule(env);
    expect(posts.at(-1)?.path).toBe("/api/v1/intake/ready");
    expect(sent).toEqual([]);
  });
});

test("the status counts sources and letters", async () => {
  await bury("a");
  await source("any", { scheme: "bearer" }, "x");
  const answer = (await (await order(environment().env, "status", {})).json()) as any;
  expect(answer).toMatchObject({ version: "1.0.0", sources: 1, dead_letters: 1 });
});
