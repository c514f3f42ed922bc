/** Orders of the origin: who may give them, and what they do. */
import { describe, expect, test } from "vitest";
import { utf8 } from "../src/bytes";
import { keysOf } from "../src/env";
import { type Purpose, signatureHeaders } from "../src/signing";
import { fingerprint } from "../src/sources";
import { bindings, call, environment, hook, nowSeconds, order, source } from "./support";

const { env } = environment();
const github = { v: 1, enabled: true, scheme: "github" };

async function send(headers: Record<string, string>, body: Uint8Array, path = "status"): Promise<number> {
  const request = new Request(`https://hooks.test/control/${path}`, { method: "POST", headers, body });
  return (await call(request, env)).status;
}

describe("who may give orders", () => {
  const body = utf8("{}");
  const key = keysOf(bindings, "EDGE_CONTROL_KEYS")[0];
  const signed = (purpose: Purpose = "control", offset = 0) =>
    signatureHeaders(key, purpose, body, nowSeconds() + offset);

  test("either control key, while one takes over from the other", async () => {
    for (const one of keysOf(bindings, "EDGE_CONTROL_KEYS"))
      expect((await order(env, "status", {}, one)).status).toBe(200);
  });

  test("nobody who signed for another purpose, another body, another time, or with another key", async () => {
    const [edgeKey] = keysOf(bindings, "EDGE_KEYS");
    const stranger = await signatureHeaders({ ...edgeKey, kid: key.kid }, "control", body, nowSeconds());
    expect(await send(await signed(), body)).toBe(200);
    expect(await send(await signed("batch"), body)).toBe(401);
    expect(await send(await signed(), utf8("{ }"))).toBe(401);
    expect(await send(await signed("control", -310), body)).toBe(401);
    expect(await send(await signed("control", 310), body)).toBe(401);
    expect(await send(stranger, body)).toBe(401);
    expect(await send({}, body)).toBe(401);
  });

  test("a signature of another length is wrong, not an error", async () => {
    const headers = await signed();
    for (const signature of ["v1=", "v1=00", `${headers["X-Edge-Signature"]}00`, "v2=00", "v1=zz"])
      expect(await send({ ...headers, "X-Edge-Signature": signature }, body)).toBe(401);
  });

  test("a stranger does not learn which orders there are", async () => {
    expect(await send({}, body, "no-such-order")).toBe(401);
    expect(await send(await signed(), body, "no-such-order")).toBe(404);
  });
});

describe("sources", () => {
  test("what is put is listed without secrets, and by fingerprints both sides can compute", async () => {
    const put = await order(env, "sources/put", { sources: [{ source: "repo", config: github, secrets: ["s3cret"] }] });
    const listed = await (await order(env, "sources/list", {})).text();
    const [key] = keysOf(bindings, "EDGE_CONTROL_KEYS");

    expect(await put.json()).toEqual({ written: 1 });
    expect(listed).not.toContain("s3cret");
    expect(JSON.parse(listed).sources).toEqual([
      {
        source: "repo",
        updated_at: expect.any(String),
        config: github,
        secret_fingerprints: [await fingerprint(key, "s3cret")],
      },
    ]);
  });

  test("a put counts at once in the isolate that took it, and so does a delete", async () => {
    await source("any", { scheme: "bearer" }, "old");
    const post = (secret: string) => hook(env, "any", "{}", { Authorization: `Bearer ${secret}` });
    expect((await post("old")).status).toBe(202);
    const config = { ...github, scheme: "bearer" };
    await order(env, "sources/put", { sources: [{ source: "any", config, secrets: ["new"] }] });
    expect([(await post("old")).status, (await post("new")).status]).toEqual([401, 202]);
    await order(env, "sources/delete", { sources: ["any"] });
    expect((await post("new")).status).toBe(404);
  });

  test("one source that is wrong keeps all of a put out, and is named", async () => {
    const sources = [
      { source: "good", config: github, secrets: ["s3cret"] },
      { source: "bad", config: { ...github, scheme: "standard" }, secrets: ["whsec_???"] },
    ];
    const response = await order(env, "sources/put", { sources });
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(/bad.*base64/);
    expect((await bindings.SOURCES.list()).keys).toEqual([]);
  });

  test("one whose key was replaced or is gone is listed without fingerprints, so that it is put anew", async () => {
    await source("repo", github, "s3cret");
    const fresh = `new:${"9".repeat(64)}`;
    const listed = async (CONFIG_KEYS: string) =>
      ((await (await order({ ...env, CONFIG_KEYS }, "sources/list", {})).json()) as any).sources;
    const replaced = await listed(`${fresh},${bindings.CONFIG_KEYS}`);
    expect(replaced).toMatchObject([{ source: "repo", config: github, secret_fingerprints: [] }]);
    expect(await listed(fresh)).toMatchObject([{ source: "repo", config: {}, secret_fingerprints: [] }]);
  });

  test.each([
    ["sources/put", {}],
    ["sources/put", { sources: [{ source: "A b" }] }],
    ["redrive", { limit: 0, dry_run: true }],
    ["redrive", { limit: 1 }],
    ["redrive", { limit: 1, dry_run: true, ids: [1] }],
  ])("the order %s %j is refused in words", async (path, fields) => {
    const response = await order(env, path, fields);
    expect(response.status).toBe(400);
    expect(((await response.json()) as any).error).toMatch(/must|not/);
  });
});
