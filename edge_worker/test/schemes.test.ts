/** Vectors signed by the providers' own libraries, checked by the Worker. */
import { sign as signForGithub } from "@octokit/webhooks-methods";
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as SvixWebhook } from "svix/dist/webhook";
import { describe, expect, test } from "vitest";
import { join, toBase64, toHex, utf8 } from "../src/bytes";
import { hmac } from "../src/hmac";
import { slackHeaders } from "./slack";
import { environment, hook, nowSeconds, source } from "./support";

type Sign = (body: string, secret: string, seconds: number) => Promise<Record<string, string>>;

interface Vector {
  readonly config: object;
  readonly secret: string;
  readonly other: string;
  readonly body: string;
  readonly sign: Sign;
  /** The sender signs when they sent it. */
  readonly timed: boolean;
}

const JSON_BODY = JSON.stringify({ id: "evt_1", event_id: "Ev1", type: "paid", text: "Grüße, 世界" });
const base64Secret = (filler: number): string => `whsec_${toBase64(new Uint8Array(32).fill(filler))}`;
const hexHmac = async (secret: string, data: string, hash: "SHA-1" | "SHA-256" | "SHA-512" = "SHA-256") =>
  toHex(await hmac(utf8(secret), utf8(data), hash));
const plain = { config: {}, secret: "s3cret", other: "another", body: JSON_BODY, timed: false };

const VECTORS: Record<string, Vector> = {
  standard: {
    ...plain,
    config: { scheme: "standard" },
    secret: base64Secret(1),
    other: base64Secret(2),
    timed: true,
    sign: async (body, secret, seconds) => ({
      "webhook-id": "msg_1",
      "webhook-timestamp": String(seconds),
      "webhook-signature": new StandardWebhook(secret).sign("msg_1", new Date(seconds * 1000), body),
    }),
  },
  svix: {
    ...plain,
    config: { scheme: "standard" },
    secret: base64Secret(3),
    other: base64Secret(4),
    timed: true,
    sign: async (body, secret, seconds) => ({
      "svix-id": "msg_1",
      "svix-timestamp": String(seconds),
      "svix-signature": `v1,bm90IHRoaXMgb25l ${new SvixWebhook(secret).sign("msg_1", new Date(seconds * 1000), body)}`,
    }),
  },
  github: {
    ...plain,
    config: { scheme: "github" },
    sign: async (body, secret) => ({
      "X-Hub-Signature-256": await signForGithub(secret, body),
      "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    }),
  },
  stripe: {
    ...plain,
    config: { scheme: "stripe" },
    secret: "whsec_not_base64!",
    timed: true,
    sign: async (payload, secret, timestamp) => ({
      "Stripe-Signature": await new Stripe("sk_test").webhooks.generateTestHeaderStringAsync({
        payload,
        secret,
        timestamp,
      }),
    }),
  },
  slack: {
    ...plain,
    config: { scheme: "slack" },
    timed: true,
    sign: async (body, secret, seconds) => slackHeaders(secret, body, seconds),
  },
  shopify: {
    ...plain,
    config: { scheme: "shopify" },
    sign: async (body, secret) => ({ "X-Shopify-Hmac-SHA256": toBase64(await hmac(utf8(secret), utf8(body))) }),
  },
  "twilio form": {
    ...plain,
    config: { scheme: "twilio" },
    body: "To=%2B1&From=%2B2&Body=hello+you&Body=hello+again",
    sign: async (body, secret) => {
      const fields = new URLSearchParams(body);
      const text = `Body${fields.getAll("Body").sort().join("Body")}From${fields.get("From")}To${fields.get("To")}`;
      const data = utf8(`https://hooks.test/hooks/shop${text}`);
      return { "X-Twilio-Signature": toBase64(await hmac(utf8(secret), data, "SHA-1")) };
    },
  },
  "hmac with a template": {
    ...plain,
    config: {
      scheme: "hmac",
      options: {
        header: "X-Signature",
        algorithm: "sha512",
        encoding: "base64",
        prefix: "sha512=",
        template: "{timestamp}:{id}:{body}",
        timestamp_header: "X-Time",
        id_header: "X-Id",
      },
    },
    timed: true,
    sign: async (body, secret, seconds) => {
      const signature = await hmac(utf8(secret), join(`${seconds}:{body}:`, body), "SHA-512");
      return { "X-Signature": `sha512=${toBase64(signature)}`, "X-Time": String(seconds), "X-Id": "{body}" };
    },
  },
  "hmac of SHA-1": {
    ...plain,
    config: { scheme: "hmac", options: { header: "X-Signature", algorithm: "sha1" } },
    sign: async (body, secret) => ({ "X-Signature": await hexHmac(secret, body, "SHA-1") }),
  },
};

describe.each(Object.entries(VECTORS))("%s", (_name, { config, secret, other, body, sign }) => {
  const post = async (headers: Record<string, string>, sentBody: BodyInit = body, secrets = [secret]) => {
    const { env, sent } = environment();
    await source("shop", config, ...secrets);
    const response = await hook(env, "shop", sentBody, headers);
    return { status: response.status, sent };
  };

  test("a request its sender signed is queued", async () => {
    const { status, sent } = await post(await sign(body, secret, nowSeconds()));
    expect(status).toBe(202);
    expect(sent).toHaveLength(1);
  });

  test("one flipped byte of the body is refused", async () => {
    const bytes = utf8(body);
    bytes[bytes.length - 2]! ^= 1;
    const { status, sent } = await post(await sign(body, secret, nowSeconds()), bytes);
    expect(status).toBe(401);
    expect(sent).toEqual([]);
  });

  test("another secret, a cut signature and none at all are refused alike", async () => {
    const headers = await sign(body, secret, nowSeconds());
    const cut = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.slice(0, -4)]));
    for (const refused of [await sign(body, other, nowSeconds()), cut, {}])
      expect((await post(refused)).status).toBe(401);
  });

  test("either of two secrets is good while one takes over from the other", async () => {
    const headers = [await sign(body, secret, nowSeconds()), await sign(body, other, nowSeconds())];
    for (const one of headers) expect((await post(one, body, [other, secret])).status).toBe(202);
  });
});

const TIMED = Object.entries(VECTORS).filter(([, { timed }]) => timed);

test.each(TIMED)("%s signed too long ago or ahead is refused, ten seconds within is not", async (_name, vector) => {
  const { config, secret, body, sign } = vector;
  await source("shop", config, secret);
  const { env } = environment();
  const statuses = [];
  for (const offset of [-310, 310, -290, 290])
    statuses.push((await hook(env, "shop", body, await sign(body, secret, nowSeconds() + offset))).status);
  expect(statuses).toEqual([401, 401, 202, 202]);
});

test("a Standard Webhook signed with a private key is checked with the public one", async () => {
  const pair = (await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"])) as CryptoKeyPair;
  const publicKey = new Uint8Array((await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer);
  await source("shop", { scheme: "standard" }, `whpk_${toBase64(publicKey)}`);
  const data = utf8(`msg_1.${nowSeconds()}.{}`);
  const signature = new Uint8Array(await crypto.subtle.sign({ name: "Ed25519" }, pair.privateKey, data));
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(nowSeconds()),
    "webhook-signature": `v1a,${toBase64(signature)}`,
  };
  const { env } = environment();

  expect((await hook(env, "shop", "{}", headers)).status).toBe(202);
  expect((await hook(env, "shop", "[]", headers)).status).toBe(401);
});

test("Twilio's JSON is bound to its address by the body's hash", async () => {
  await source("shop", { scheme: "twilio" }, "token");
  const hash = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8("{}"))));
  const query = `?bodySHA256=${hash}`;
  const signature = await hmac(utf8("token"), utf8(`https://hooks.test/hooks/shop${query}`), "SHA-1");
  const headers = { "X-Twilio-Signature": toBase64(signature), "Content-Type": "application/json" };
  const { env } = environment();

  expect((await hook(env, "shop", "{}", headers, query)).status).toBe(202);
  expect((await hook(env, "shop", "[]", headers, query)).status).toBe(401);
});

test.each([
  [{ scheme: "header", options: { header: "X-Token" } }, { "X-Token": "user:pass" }],
  [{ scheme: "bearer" }, { Authorization: "Bearer user:pass" }],
  [{ scheme: "basic" }, { Authorization: `Basic ${btoa("user:pass")}` }],
])("a shown secret is compared whole: %j", async (config, headers) => {
  await source("shop", config, "user:pass");
  const { env, sent } = environment();
  const [[name, value]] = Object.entries(headers) as [[string, string]];

  expect((await hook(env, "shop", "{}", headers)).status).toBe(202);
  for (const wrong of [value.slice(0, -1), `${value}0`, "Bearer", "", value.toUpperCase()])
    expect((await hook(env, "shop", "{}", { [name]: wrong })).status).toBe(401);
  expect(JSON.stringify(sent)).not.toContain(value);
});
