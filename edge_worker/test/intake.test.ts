/** `POST /hooks/{source}`: what is taken, what is refused, and with which words. */
import { sign } from "@octokit/webhooks-methods";
import { describe, expect, test, vi } from "vitest";
import { toBase64, utf8 } from "../src/bytes";
import { parseConfig } from "../src/config";
import type { Env } from "../src/env";
import { bodyBytes } from "../src/messages";
import { slackHeaders } from "./slack";
import { bindings, call, environment, hook, order, source, stored } from "./support";

const SECRET = "s3cret";

async function github(env: Env, body: string, headers: Record<string, string> = {}, query = ""): Promise<Response> {
  return hook(env, "repo", body, { "X-Hub-Signature-256": await sign(SECRET, body), ...headers }, query);
}

async function bearer(env: Env, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  return hook(env, "any", body, { Authorization: `Bearer ${SECRET}`, ...headers });
}

describe("addresses and methods", () => {
  test("an unknown source and a disabled one look the same", async () => {
    await source("repo", { scheme: "github", enabled: false }, SECRET);
    const { env } = environment();
    const [disabled, unknown] = [await github(env, "{}"), await hook(env, "nobody", "{}")];
    expect([disabled.status, unknown.status]).toEqual([404, 404]);
    expect(await disabled.text()).toBe(await unknown.text());
  });

  test.each(["/hooks/", "/hooks/A", "/hooks/a/b", "/hooks/a%2f", "/", "/control"])("%s is nobody's", async (path) => {
    const { env } = environment();
    expect((await call(new Request(`https://hooks.test${path}`, { method: "POST" }), env)).status).toBe(404);
  });

  test("only POST is taken", async () => {
    const response = await call(new Request("https://hooks.test/hooks/repo"), environment().env);
    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe("POST");
  });

  test("a source without secrets lets nobody in", async () => {
    await source("any", { scheme: "bearer" });
    expect((await hook(environment().env, "any", "{}", { Authorization: "Bearer " })).status).toBe(401);
  });
});

describe("limits of a source", () => {
  test("a body of exactly the limit is taken, one byte more is not, said beforehand or found out", async () => {
    await source("any", { scheme: "bearer", max_bytes: 1000 }, SECRET);
    const { env, sent } = environment();
    const streamed = new Response("x".repeat(1001)).body!.pipeThrough(new IdentityTransformStream());

    expect((await bearer(env, "x".repeat(1000))).status).toBe(202);
    expect((await bearer(env, "x".repeat(1001))).status).toBe(413);
    expect((await bearer(env, streamed)).status).toBe(413);
    expect(sent.map(({ size }) => size)).toEqual([1000]);
  });

  test.each([
    [["198.51.100.0/24"], 202],
    [["203.0.113.0/24", "198.51.100.7"], 202],
    [["203.0.113.0/24", "2001:db8::/32"], 403],
  ])("with the networks %j a sender at 198.51.100.7 gets %i", async (ip_allow, status) => {
    await source("any", { scheme: "bearer", ip_allow }, SECRET);
    expect((await bearer(environment().env, "{}")).status).toBe(status);
  });

  test("only the listed content types are taken, whatever their parameters", async () => {
    await source("any", { scheme: "bearer", content_types: ["application/json"] }, SECRET);
    const { env } = environment();
    const statuses = [];
    for (const type of ["application/json; charset=utf-8", "Application/JSON", "text/plain"])
      statuses.push((await bearer(env, "{}", { "Content-Type": type })).status);
    expect(statuses).toEqual([202, 202, 403]);
  });

  test("a stranger who sends too much uses up his own share, not the sender's", async () => {
    await source("any", { scheme: "bearer", rate: "low" }, SECRET);
    const { env } = environment();
    const answers: Response[] = [];
    for (let count = 0; count < 120; count += 1)
      answers.push(await hook(env, "any", "{}", { "CF-Connecting-IP": "203.0.113.66" }));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 429]));
    expect(answers.find(({ status }) => status === 429)?.headers.get("Retry-After")).toBe("10");
    expect((await bearer(env, "{}")).status).toBe(202);
  });

  test.each([
    ["one header", { "X-Long": "x".repeat(16_385) }],
    ["all headers", Object.fromEntries(Array.from("abcde", (letter) => [`X-${letter}`, "x".repeat(16_000)]))],
    ["the content type", { "Content-Type": "x".repeat(256) }],
  ])("%s beyond what the origin takes is refused at once", async (_name, headers) => {
    await source("any", { scheme: "bearer" }, SECRET);
    const { env, sent } = environment();
    expect((await bearer(env, "{}", headers)).status).toBe(413);
    expect(sent).toEqual([]);
  });
});

describe("challenges", () => {
  const asked = JSON.stringify({ type: "url_verification", challenge: "3eZbrw1a" });

  test("a signed ping of GitHub is answered and not queued, an unsigned one is refused", async () => {
    await source("repo", { scheme: "github" }, SECRET);
    const { env, sent } = environment();
    expect((await github(env, "{}", { "X-GitHub-Event": "ping" })).status).toBe(200);
    expect((await hook(env, "repo", "{}", { "X-GitHub-Event": "ping" })).status).toBe(401);
    expect(sent).toEqual([]);
  });

  test("Slack gets its challenge back when it signed it, and only then", async () => {
    await source("chat", { scheme: "slack" }, SECRET);
    const { env, sent } = environment();
    const response = await hook(env, "chat", asked, await slackHeaders(SECRET, asked));

    expect(response.status).toBe(200);
    expect(await response.text()).toBe("3eZbrw1a");
    expect((await hook(env, "chat", asked)).status).toBe(401);
    expect(sent).toEqual([]);
  });
});

describe("what is queued", () => {
  test("the message holds the raw body, what the sender said, and no credential", async () => {
    await source("repo", { scheme: "github" }, SECRET);
    const { env, sent } = environment();
    const body = '{"a":  "ä"}\n';
    const secrets = { Cookie: "sid=1", Authorization: "Basic eDp5", "X-Forwarded-For": "10.0.0.1", "X-Api-Key": "k" };
    const response = await github(env, body, { "X-GitHub-Event": "push", "CF-Ray": "1", ...secrets }, "?a=1&b=%20");

    const [message] = sent;
    expect(await response.json()).toEqual({ status: "accepted", id: message?.id });
    expect(message?.headers.map(([name]) => name).sort()).toEqual(["content-type", "x-github-event"]);
    expect(new TextDecoder().decode(bodyBytes(message?.body ?? ""))).toBe(body);
    expect(message).toMatchObject({ source: "repo", query: "a=1&b=%20", size: utf8(body).length, redrives: 0 });
  });

  test.each([
    ["the delivery id", { "X-GitHub-Delivery": "d1", "X-Order": "7" }, /^delivery:d1$/],
    ["the configured header", { "X-Order": "7" }, /^header:7$/],
    ["the body's hash in a window", {}, /^sha256:[0-9a-f]{64}:\d+$/],
    [
      "the hash of an id too long for a key",
      { "X-GitHub-Delivery": "d".repeat(400) },
      /^delivery:sha256:[0-9a-f]{64}$/,
    ],
  ])("its key is %s", async (_name, headers, key) => {
    await source("repo", { scheme: "github", key_header: "X-Order" }, SECRET);
    const { env, sent } = environment();
    await github(env, "{}", headers);
    expect(sent[0]?.key).toMatch(key);
  });

  test("it names the secret that vouched as the list of sources does", async () => {
    await source("repo", { scheme: "github" }, "old", SECRET);
    const { env, sent } = environment();
    await github(env, "{}");
    const { sources } = (await (await order(env, "sources/list", {})).json()) as any;
    expect(sources[0].secret_fingerprints[1]).toBe(sent[0]?.secret);
  });

  test("a body too large for the queue is in the bucket before the message is sent", async () => {
    await source("any", { scheme: "bearer" }, SECRET);
    const body = crypto.getRandomValues(new Uint8Array(65_536));
    const large = new Uint8Array(300_000).map((_, index) => body[index % body.length]!);
    const objectsAtSend: string[][] = [];
    const EVENTS = { send: async () => objectsAtSend.push(await stored("bodies/")) } as unknown as Queue;
    const { env } = environment({ EVENTS });

    expect((await bearer(env, large)).status).toBe(202);
    expect(objectsAtSend).toEqual([[expect.stringMatching(/^bodies\/\d{4}-\d\d-\d\d\//)]]);
    const object = await bindings.STORE.get(objectsAtSend[0]![0]!);
    expect(toBase64(new Uint8Array(await object!.arrayBuffer()))).toBe(toBase64(large));
  });

  test.each([
    [88_000, 0],
    [90_000, 1],
  ])("a body of %i bytes leaves %i objects in the bucket", async (size, objects) => {
    await source("any", { scheme: "bearer" }, SECRET);
    const { env, sent } = environment();
    await bearer(env, new Uint8Array(size));
    expect(await stored("bodies/")).toHaveLength(objects);
    expect(utf8(JSON.stringify(sent[0])).length).toBeLessThan(120_001);
  });
});

describe("when something is away, the sender comes again", () => {
  const broken = async (): Promise<never> => Promise.reject(new Error("overloaded"));
  const away: [string, Partial<Env>][] = [
    ["the queue", { EVENTS: { send: broken } as unknown as Queue }],
    ["the sources", { SOURCES: { get: broken } as unknown as KVNamespace }],
    ["the key of the sources", { CONFIG_KEYS: `other:${"9".repeat(64)}` }],
  ];

  test.each(away)("%s: 503 and Retry-After", async (_name, changes) => {
    await source("any", { scheme: "bearer" }, SECRET);
    const response = await bearer(environment(changes).env, "{}");
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toBe("30");
  });

  test("a queue that hangs is cut after five seconds", async () => {
    await source("any", { scheme: "bearer" }, SECRET);
    const asked = Promise.withResolvers<void>();
    const hang = (): Promise<void> => (asked.resolve(), new Promise(() => undefined));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const statuses: number[] = [];
    const { env } = environment({ EVENTS: { send: hang } as unknown as Queue });
    const answer = bearer(env, "{}").then(({ status }) => statuses.push(status));

    await asked.promise;
    await vi.advanceTimersByTimeAsync(4900);
    expect(statuses).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    await answer;
    vi.useRealTimers();
    expect(statuses).toEqual([503]);
  });
});

test("a log line holds neither body nor query nor secret", async () => {
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  await source("repo", { scheme: "github" }, SECRET);
  const { env } = environment();
  await github(env, '{"private":1}', {}, "?token=abc");
  await hook(env, "repo", '{"private":1}');
  vi.restoreAllMocks();

  expect(lines.map((line) => JSON.parse(line).event)).toEqual(["webhook_accepted", "webhook_refused"]);
  expect(lines.join()).not.toMatch(/private|abc|s3cret|sha256=/);
});

test("KV holds no secret that can be read", async () => {
  await source("any", { scheme: "bearer" }, "plain-secret");
  const [key] = (await bindings.SOURCES.list()).keys;
  expect(await bindings.SOURCES.get(key!.name)).not.toContain("plain-secret");
});

test.each([
  [{ scheme: "nobody" }, /scheme/],
  [{ scheme: "hmac" }, /options\.header/],
  [{ scheme: "hmac", options: { header: "x-a", template: "{timestamp}.{body}" } }, /timestamp_header/],
  [{ scheme: "header", options: { header: "x-a" }, key_header: "X-A" }, /credential/],
  [{ scheme: "github", key_header: "Cookie" }, /credential/],
  [{ scheme: "github", ip_allow: ["10.0.0.0/33"] }, /ip_allow/],
  [{ scheme: "github", max_bytes: 10_000_001 }, /max_bytes/],
])("the configuration %j is refused", (config, words) => {
  expect(() => parseConfig({ v: 1, enabled: true, ...config })).toThrow(words);
});
