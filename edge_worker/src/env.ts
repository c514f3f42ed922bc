/** What Cloudflare binds to the Worker, and the numbers read from it. */
import { type Key, parseKeys } from "./keys";

export interface Env {
  /** Source configurations, one entry each, secrets encrypted. */
  SOURCES: KVNamespace;
  /** Large bodies, dead letters and notices about them. */
  STORE: R2Bucket;
  EVENTS: Queue;
  RATE_LOW: RateLimit;
  RATE_NORMAL: RateLimit;
  RATE_HIGH: RateLimit;
  /** A Workers VPC service; where it is bound, the origin is reached through it and through nothing else. */
  ORIGIN?: Fetcher;

  ORIGIN_URL: string;
  /** After so many attempts a message becomes a dead letter; below the queue's own limit, so that the reason is known. */
  MAX_ATTEMPTS: string;
  BACKOFF_BASE_SECONDS: string;
  BACKOFF_CAP_SECONDS: string;
  /** How often the schedule sends one dead letter again by itself; 0 turns that off. */
  AUTO_REDRIVES: string;

  /** Sign what goes to the origin: `kid:hex64,kid2:hex64`, the first one signs. */
  EDGE_KEYS: string;
  /** Verify what the origin orders. */
  EDGE_CONTROL_KEYS: string;
  /** Encrypt the secrets in SOURCES: the first one encrypts, all decrypt. Nobody else knows them. */
  CONFIG_KEYS: string;
  /** Of a Cloudflare Access service token, where Access guards the origin. */
  ACCESS_CLIENT_ID?: string;
  ACCESS_CLIENT_SECRET?: string;
}

/** The names of settings with keys in them. */
export type KeySetting = "EDGE_KEYS" | "EDGE_CONTROL_KEYS" | "CONFIG_KEYS";

/** The names of settings that hold a number. */
export type NumberSetting = "MAX_ATTEMPTS" | "BACKOFF_BASE_SECONDS" | "BACKOFF_CAP_SECONDS" | "AUTO_REDRIVES";

/** A setting is missing or unreadable; the message names it and never holds its value. */
export class SettingError extends Error {}

/** Returns the keys of a setting, the one to sign or encrypt with first. Throws SettingError. */
export function keysOf(env: Env, name: KeySetting): readonly [Key, ...Key[]] {
  const keys = parseKeys(env[name] ?? "");
  if (keys === null) throw new SettingError(`${name} must hold kid:hex64, or several with commas between`);
  return keys;
}

/** Returns a setting as a whole number that is not negative. Throws SettingError. */
export function numberOf(env: Env, name: NumberSetting): number {
  const text = env[name] ?? "";
  if (!/^\d{1,6}$/.test(text)) throw new SettingError(`${name} must be a whole number`);
  return Number(text);
}
