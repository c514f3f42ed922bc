/** Signed requests to the origin. */
import { type Env, keysOf } from "./env";
import * as log from "./log";
import { type Purpose, signatureHeaders } from "./signing";

/** What the origin answered. */
export interface Answer {
  readonly status: number;
  readonly retryAfterSeconds: number | null;
  readonly body: unknown;
}

const ORIGIN_SECONDS = 30;
const PATHS = {
  batch: "/api/v1/intake/batch",
  "dead-letters": "/api/v1/intake/dead-letters",
  ready: "/api/v1/intake/ready",
} as const satisfies Partial<Record<Purpose, string>>;

/** Returns the origin's answer to a signed request; null when there was none in time, or nothing to sign with: a
 * mistake in the settings is waited out like an outage. */
export async function askOrigin(env: Env, purpose: keyof typeof PATHS, body: Uint8Array): Promise<Answer | null> {
  try {
    const url = new URL(PATHS[purpose], env.ORIGIN_URL).href;
    const request = await signedRequest(env, purpose, body);
    const response = await (env.ORIGIN ? env.ORIGIN.fetch(url, request) : fetch(url, request));
    const text = await response.text();
    return { status: response.status, retryAfterSeconds: retryAfter(response.headers), body: parsed(text) };
  } catch (problem) {
    log.warning("origin_silent", { purpose, problem: log.words(problem) });
    return null;
  }
}

async function signedRequest(env: Env, purpose: Purpose, body: Uint8Array): Promise<RequestInit> {
  const [key] = keysOf(env, "EDGE_KEYS");
  const headers: Record<string, string> = await signatureHeaders(key, purpose, body, Date.now() / 1000);
  if (body.length > 0) headers["Content-Type"] = "application/json";
  if (env.ACCESS_CLIENT_ID && env.ACCESS_CLIENT_SECRET) {
    headers["CF-Access-Client-Id"] = env.ACCESS_CLIENT_ID;
    headers["CF-Access-Client-Secret"] = env.ACCESS_CLIENT_SECRET;
  }
  return {
    method: purpose === "ready" ? "GET" : "POST",
    headers,
    redirect: "manual", // a signed body goes where it was meant to go, or nowhere
    signal: AbortSignal.timeout(ORIGIN_SECONDS * 1000),
    ...(body.length > 0 ? { body } : {}),
  };
}

/** Returns how long the origin wants to be left alone, by seconds or by date; null when it does not say. */
function retryAfter(headers: Headers): number | null {
  const value = headers.get("retry-after") ?? "";
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // an error page is not JSON; the status says enough
  }
}
