/** The sources, kept in KV with their secrets encrypted, and for a short while in memory. */
import { toHex, utf8 } from "./bytes";
import { type SourceConfig, parseConfig } from "./config";
import { within } from "./deadline";
import { type Env, keysOf } from "./env";
import { hmac } from "./hmac";
import type { Key } from "./keys";
import { type Sealed, open, seal } from "./sealing";

const PREFIX = "source:";
const READ_SECONDS = 2;
/** How long a change may stay unseen by an isolate, beside the minute that KV itself may take. */
const CACHE_MS = 30_000;

export interface Source {
  readonly slug: string;
  readonly config: SourceConfig;
  readonly secrets: readonly string[];
  /** The configuration as it was put, for whoever put it to compare with. */
  readonly given: unknown;
  /** Sealed with the key that is first now; if not, it should be written anew before its key goes. */
  readonly isFreshlySealed: boolean;
  readonly updatedAt: string;
}

/** A source to keep; its `given` was found right by `parseConfig`. */
export type NewSource = Pick<Source, "slug" | "given" | "secrets">;

interface Stored {
  readonly config: unknown;
  readonly secrets: Sealed;
  readonly updated_at: string;
}

const cache = new Map<string, { source: Source; until: number }>();

/** Returns a source, at most half a minute older than KV's own copy; null when there is none.
 * Throws when KV does not answer in time or holds what cannot be read. */
export async function findSource(env: Env, slug: string, nowMs: number): Promise<Source | null> {
  const known = cache.get(slug);
  if (known && nowMs < known.until) return known.source;
  const source = await within(READ_SECONDS, "reading a source", readSource(env, slug));
  // Only what exists is kept: names that a stranger made up must not fill the memory.
  if (source) cache.set(slug, { source, until: nowMs + CACHE_MS });
  else cache.delete(slug);
  return source;
}

/** Returns a source as KV has it; null when there is none. Throws ConfigError, SealError or SettingError. */
export async function readSource(env: Env, slug: string): Promise<Source | null> {
  const stored = await env.SOURCES.get<Stored>(PREFIX + slug, "json");
  if (stored === null) return null;
  const keys = keysOf(env, "CONFIG_KEYS");
  return {
    slug,
    config: parseConfig(stored.config),
    given: stored.config,
    secrets: JSON.parse(await open(keys, PREFIX + slug, stored.secrets)) as string[],
    isFreshlySealed: stored.secrets.kid === keys[0].kid,
    updatedAt: stored.updated_at,
  };
}

/** Returns the names of all sources. */
export async function listSlugs(env: Env): Promise<string[]> {
  const slugs: string[] = [];
  let cursor: string | null = null;
  do {
    const page: KVNamespaceListResult<unknown> = await env.SOURCES.list({ prefix: PREFIX, cursor });
    slugs.push(...page.keys.map(({ name }) => name.slice(PREFIX.length)));
    cursor = page.list_complete ? null : page.cursor;
  } while (cursor !== null);
  return slugs;
}

/** Keeps a source, in the place of what it was. */
export async function writeSource(env: Env, source: NewSource, now: Date): Promise<void> {
  const [key] = keysOf(env, "CONFIG_KEYS");
  const secrets = await seal(key, PREFIX + source.slug, JSON.stringify(source.secrets));
  const stored: Stored = { config: source.given, secrets, updated_at: now.toISOString() };
  await env.SOURCES.put(PREFIX + source.slug, JSON.stringify(stored));
  cache.delete(source.slug);
}

/** Forgets a source. */
export async function deleteSource(env: Env, slug: string): Promise<void> {
  await env.SOURCES.delete(PREFIX + slug);
  cache.delete(slug);
}

/** Empties the memory; what KV holds stays. */
export function forgetSources(): void {
  cache.clear();
}

/** Returns what both sides can compute of a secret, and nobody else: it tells nothing even of a short one. */
export async function fingerprint(control: Key, secret: string): Promise<string> {
  return toHex(await hmac(control.secret, utf8(`fingerprint.${secret}`))).slice(0, 16);
}
