/** The queue's consumer: what it posts, and what becomes of each message. */
import { describe, expect, test } from "vitest";
import { toBase64, utf8 } from "../src/bytes";
import { signer } from "../src/signing";
import { keysOf } from "../src/env";
import { type Posted, acceptAll, bindings, consume, environment, message, nowSeconds, origin, stored } from "./support";

const results =
  (...verdicts: object[]) =>
  () =>
    Response.json({ results: verdicts });
const batchesOf = (posts: Posted[]): string[][] =>
  posts.filter(({ path }) => path.endsWith("/batch")).map(({ body }) => body.messages.map(({ id }: any) => id));
const letters = (posts: Posted[]): any[] => posts.flatMap(({ body }) => body.letters ?? []);

describe("the request", () => {
  test("a batch is one signed request with all that the contract names", async () => {
    const { ORIGIN, posts } = origin();
    const { acked } = await consume(environment({ ORIGIN }).env, [message("a"), message("b")], { attempts: 3 });

    const [{ path, headers, body }] = posts as [Posted];
    const bytes = utf8(JSON.stringify(body));
    expect(path).toBe("/api/v1/intake/batch");
    expect(await signer(keysOf(bindings, "EDGE_KEYS"), "batch", headers, bytes, nowSeconds())).toMatchObject({
      kid: "edge-2",
    });
    expect(await signer(keysOf(bindings, "EDGE_KEYS"), "control", headers, bytes, nowSeconds())).toBeNull();
    expect(Object.keys(body.messages[0]).sort()).toEqual(
      "body content_type edge_attempts headers id key key_kind query received_at scheme secret sha256 size source".split(
        " ",
      ),
    );
    expect(body.messages[0].edge_attempts).toBe(3);
    expect(acked).toEqual(["m0", "m1"]);
  });

  test("bodies beyond two million bytes are split, a large one goes alone", async () => {
    const { ORIGIN, posts } = origin();
    const sizes = [900_000, 900_000, 900_000, 9_000_000, 10];
    const { acked } = await consume(
      environment({ ORIGIN }).env,
      sizes.map((size, index) => message(`n${index}`, { size })),
    );
    expect(batchesOf(posts)).toEqual([["n0", "n1"], ["n2"], ["n3"], ["n4"]]);
    expect(acked).toHaveLength(5);
  });

  test("a body in the bucket is put in; one that is gone is a dead letter and spoils nothing", async () => {
    await bindings.STORE.put("bodies/x", new Uint8Array([0, 255, 10]));
    const { ORIGIN, posts } = origin();
    const messages = [
      message("there", { body: null, body_ref: "bodies/x" }),
      message("gone", { body: null, body_ref: "bodies/y" }),
    ];
    const { acked } = await consume(environment({ ORIGIN }).env, messages);

    expect(posts[0]?.body.messages).toMatchObject([{ id: "there", body: toBase64(new Uint8Array([0, 255, 10])) }]);
    expect(letters(posts)).toMatchObject([{ id: "gone", reason: expect.stringContaining("no longer in the bucket") }]);
    expect(acked.sort()).toEqual(["m0", "m1"]);
  });

  test("an Access token is shown where there is one", async () => {
    const { ORIGIN, posts } = origin();
    const { env } = environment({ ORIGIN, ACCESS_CLIENT_ID: "id.access", ACCESS_CLIENT_SECRET: "shh" });
    await consume(env, [message("a")]);
    expect(posts[0]?.headers.get("CF-Access-Client-Id")).toBe("id.access");
  });
});

describe("verdicts", () => {
  test("each message gets its own", async () => {
    const verdicts = [
      { id: "accepted", status: "accepted" },
      { id: "duplicate", status: "duplicate" },
      { id: "later", status: "retry", delay: 120 },
      { id: "again", status: "retry" },
      { id: "odd", status: "no such word" },
      { id: "bad", status: "rejected", reason: "unknown source" },
    ];
    const { ORIGIN, posts } = origin((posted) =>
      posted.path.endsWith("/batch") ? results(...verdicts)() : acceptAll(posted),
    );
    const names = ["accepted", "duplicate", "later", "again", "odd", "bad", "forgotten"];
    const { acked, retried } = await consume(
      environment({ ORIGIN }).env,
      names.map((id) => message(id)),
    );

    expect(acked.sort()).toEqual(["m0", "m1", "m5"]);
    expect(Object.keys(retried).sort()).toEqual(["m2", "m3", "m4", "m6"]);
    expect(retried["m2"]).toBeGreaterThanOrEqual(120);
    expect(retried["m3"]).toBeLessThanOrEqual(10);
    expect(letters(posts)).toMatchObject([{ id: "bad", reason: "unknown source", edge_attempts: 1 }]);
    expect(await stored("dlq/")).toEqual(["dlq/shop/bad.json"]);
    expect(await stored("notices/")).toEqual([]);
  });

  test.each([401, 403, 404, 500, 502, 301])("%i retries all: our own mistake costs no event", async (status) => {
    const { ORIGIN } = origin(() => new Response("", { status }));
    const { acked, retried } = await consume(environment({ ORIGIN }).env, [message("a"), message("b")]);
    expect(acked).toEqual([]);
    expect(Object.keys(retried)).toEqual(["m0", "m1"]);
    expect(await stored("dlq/")).toEqual([]);
  });

  test.each([
    ["no answer", () => Promise.reject(new Error("connection refused"))],
    ["an answer that is no JSON", () => new Response("<html>")],
    ["JSON without results", () => Response.json([])],
  ])("%s retries all", async (_name, answer) => {
    const { ORIGIN } = origin(answer);
    const { acked, retried } = await consume(environment({ ORIGIN }).env, [message("a")]);
    expect([acked, Object.keys(retried)]).toEqual([[], ["m0"]]);
  });

  test.each([429, 503])("%i is left alone for as long as it says", async (status) => {
    const { ORIGIN } = origin(() => new Response("", { status, headers: { "Retry-After": "900" } }));
    const { retried } = await consume(environment({ ORIGIN }).env, [message("a")]);
    expect(retried["m0"]).toBeGreaterThanOrEqual(900);
    expect(retried["m0"]).toBeLessThanOrEqual(1125);
  });

  test("an origin that is away is asked once, not once for each group", async () => {
    const { ORIGIN, posts } = origin(() => new Response("", { status: 500 }));
    const messages = [1, 2, 3].map((id) => message(String(id), { size: 1_900_000 }));
    const { retried } = await consume(environment({ ORIGIN }).env, messages);
    expect(posts).toHaveLength(1);
    expect(Object.keys(retried)).toHaveLength(3);
  });

  test("settings without a key to sign with retry all", async () => {
    const { ORIGIN, posts } = origin();
    const { retried } = await consume(environment({ ORIGIN, EDGE_KEYS: "" }).env, [message("a")]);
    expect(posts).toEqual([]);
    expect(Object.keys(retried)).toEqual(["m0"]);
  });
});

describe("one bad message", () => {
  const refusing =
    (status: number) =>
    (posted: Posted): Response => {
      const ids = (posted.body.messages ?? []).map(({ id }: { id: string }) => id);
      return ids.includes("bad") ? new Response("", { status }) : acceptAll(posted);
    };

  test.each([400, 413])("that makes the origin answer %i is found and buried alone", async (status) => {
    const { ORIGIN, posts } = origin(refusing(status));
    const { acked } = await consume(environment({ ORIGIN }).env, [message("a"), message("bad"), message("b")]);

    expect(batchesOf(posts)).toEqual([["a", "bad", "b"], ["a"], ["bad"], ["b"]]);
    expect(acked.sort()).toEqual(["m0", "m1", "m2"]);
    expect(letters(posts)).toMatchObject([{ id: "bad", reason: `the origin answered ${status}` }]);
  });

  test("that nobody can read is buried and the others go on", async () => {
    const { ORIGIN, posts } = origin();
    const { acked } = await consume(environment({ ORIGIN }).env, ["nonsense", null, { v: 2 }, message("a")]);
    expect(batchesOf(posts)).toEqual([["a"]]);
    expect(acked).toHaveLength(4);
    expect(letters(posts).map(({ source }) => source)).toEqual(["unknown", "unknown", "unknown"]);
  });

  test("stays in the queue when the bucket does not take it as a letter", async () => {
    const put = async (): Promise<never> => Promise.reject(new Error("bucket is away"));
    const { ORIGIN } = origin(results({ id: "a", status: "rejected" }));
    const { acked, retried } = await consume(environment({ ORIGIN, STORE: { put } as unknown as R2Bucket }).env, [
      message("a"),
    ]);
    expect([acked, Object.keys(retried)]).toEqual([[], ["m0"]]);
  });
});

test("after the last attempt a message is a letter that says what was wrong the last time", async () => {
  const { ORIGIN, posts } = origin((posted) =>
    posted.path.endsWith("/batch") ? new Response("", { status: 502 }) : acceptAll(posted),
  );
  const { env } = environment({ ORIGIN, MAX_ATTEMPTS: "5" });
  const before = await consume(env, [message("a")], { attempts: 4 });
  const last = await consume(env, [message("a")], { attempts: 5 });

  expect([before.acked, last.acked]).toEqual([[], ["m0"]]);
  const reason = "no success in 5 attempts; the last time the origin answered 502";
  expect(letters(posts)).toMatchObject([{ id: "a", edge_attempts: 5, redrives: 0, reason }]);
});
