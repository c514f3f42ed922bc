/** The Worker under test: real KV, R2 and crypto of workerd; the queue and the origin are the test's own. */
import { createExecutionContext, createMessageBatch, getQueueResult, reset } from "cloudflare:test";
import { env as bindings } from "cloudflare:workers";
import { afterEach } from "vitest";
import { toBase64, utf8 } from "../src/bytes";
import { type SourceConfig, parseConfig } from "../src/config";
import type { Env } from "../src/env";
import { keysOf } from "../src/env";
import type { Envelope } from "../src/envelope";
import worker from "../src/index";
import type { Message } from "../src/messages";
import { signatureHeaders } from "../src/signing";
import { forgetSources, writeSource } from "../src/sources";

export { bindings };
export const ADDRESS = "198.51.100.7";
export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

afterEach(async () => {
  forgetSources();
  await reset();
});

/** A request as the origin got it. */
export interface Posted {
  readonly path: string;
  readonly headers: Headers;
  readonly body: any;
}

/** An environment whose queue keeps what is sent, and whose origin gives the answers of a list in turn. */
export function environment(changes: Partial<Env> = {}): { env: Env; sent: Message[] } {
  const sent: Message[] = [];
  const queue = { send: async (message: Message) => void sent.push(message) };
  return { env: { ...bindings, EVENTS: queue as unknown as Queue, ...changes }, sent };
}

/** An origin that keeps what it is asked and answers by a function; it accepts everything unless told otherwise. */
export function origin(answer: (posted: Posted) => Response | Promise<Response> = acceptAll): {
  ORIGIN: Fetcher;
  posts: Posted[];
} {
  const posts: Posted[] = [];
  const fetcher = {
    async fetch(url: string, init: RequestInit): Promise<Response> {
      const body = init.body ? JSON.parse(new TextDecoder().decode(init.body as Uint8Array)) : null;
      const posted = { path: new URL(url).pathname, headers: new Headers(init.headers), body };
      posts.push(posted);
      return answer(posted);
    },
  };
  return { ORIGIN: fetcher as unknown as Fetcher, posts };
}

/** What an origin says that took all of it. */
export function acceptAll({ body }: Posted): Response {
  const items: { id: string }[] = body?.messages ?? body?.letters ?? [];
  return Response.json({ results: items.map(({ id }) => ({ id, status: "accepted" })) });
}

/** Keeps a source in the Worker's KV. */
export async function source(
  slug: string,
  config: Partial<SourceConfig> | object,
  ...secrets: string[]
): Promise<void> {
  const given = { v: 1, enabled: true, ...config };
  parseConfig(given);
  await writeSource(bindings, { slug, given, secrets }, new Date());
}

/** Posts a webhook and returns the Worker's answer. */
export async function hook(
  env: Env,
  slug: string,
  body: BodyInit,
  headers: Record<string, string> = {},
  query = "",
): Promise<Response> {
  const init = { method: "POST", body, headers: { "CF-Connecting-IP": ADDRESS, ...headers } };
  return call(new Request(`https://hooks.test/hooks/${slug}${query}`, init), env);
}

/** Sends any request to the Worker. */
export async function call(request: Request, env: Env): Promise<Response> {
  return worker.fetch(request as Parameters<typeof worker.fetch>[0], env);
}

/** Sends a signed order and returns the answer. */
export async function order(env: Env, path: string, fields: object, key = keysOf(bindings, "EDGE_CONTROL_KEYS")[0]) {
  const body = utf8(JSON.stringify(fields));
  const headers = await signatureHeaders(key, "control", body, nowSeconds());
  return call(new Request(`https://hooks.test/control/${path}`, { method: "POST", headers, body }), env);
}

/** A message as the queue would deliver it. */
export function message(id: string, changes: Partial<Message> = {}): Message {
  const envelope: Envelope = {
    v: 1,
    id,
    source: "shop",
    key: `delivery:${id}`,
    key_kind: "delivery",
    received_at: "2026-11-01T12:00:00.000Z",
    content_type: "application/json",
    headers: [["user-agent", "test"]],
    query: "",
    size: 2,
    sha256: "0".repeat(64),
    scheme: "github",
    secret: "0123456789abcdef",
    redrives: 0,
  };
  return { ...envelope, body: toBase64(utf8("{}")), body_ref: null, ...changes };
}

/** Lets the Worker consume messages; returns which it acknowledged, and which come again after how many seconds. */
export async function consume(env: Env, bodies: unknown[], { attempts = 1, queue = "webhooks" } = {}) {
  const messages = bodies.map((body, index) => ({ id: `m${index}`, timestamp: new Date(), attempts, body }));
  const batch = createMessageBatch(queue, messages);
  const delays = new Map<string, number | undefined>();
  for (const message of batch.messages) {
    const retry = message.retry.bind(message);
    message.retry = (options) => {
      delays.set(message.id, options?.delaySeconds); // the result of a batch does not tell it
      retry(options);
    };
  }
  await worker.queue(batch, env);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
  const again: { msgId: string }[] = retryMessages;
  return { acked: explicitAcks, retried: Object.fromEntries(again.map(({ msgId }) => [msgId, delays.get(msgId)])) };
}

/** The names of R2's objects under a prefix. */
export async function stored(prefix: string): Promise<string[]> {
  return (await bindings.STORE.list({ prefix })).objects.map(({ key }) => key);
}
