/** `POST /control/…`: what the origin orders, signed with keys of its own. */
import * as answers from "./answers";
import { readBody } from "./body";
import { text, utf8 } from "./bytes";
import { ConfigError, isSlug, parseConfig } from "./config";
import { type Env, keysOf } from "./env";
import type { Key } from "./keys";
import { listLetters } from "./letters";
import * as log from "./log";
import { redrive } from "./redrive";
import { SCHEMES } from "./schemes";
import { signer } from "./signing";
import { type NewSource, deleteSource, fingerprint, listSlugs, readSource, writeSource } from "./sources";
import { version } from "../package.json";

type Fields = Record<string, unknown>;
type Handler = (env: Env, fields: Fields, control: Key) => Promise<Fields>;

const MOST_BYTES = 1_000_000;
const MOST_SECRETS = 10;
const LONGEST_SECRET = 4096;
const MOST_REDRIVEN = 1000;

const HANDLERS: ReadonlyMap<string, Handler> = new Map([
  ["sources/list", listSources],
  ["sources/put", putSources],
  ["sources/delete", deleteSources],
  ["redrive", redriveLetters],
  ["status", status],
]);

/** Returns the answer to an order; 401 for whoever is not the origin, whatever they asked for. */
export async function control(request: Request, env: Env, path: string): Promise<Response> {
  const body = await readBody(request, MOST_BYTES);
  if (body === null) return answers.tooLarge();
  try {
    const keys = keysOf(env, "EDGE_CONTROL_KEYS");
    const key = await signer(keys, "control", request.headers, body, Date.now() / 1000);
    if (key === null) return answers.unauthorized();
    const handler = HANDLERS.get(path);
    if (!handler) return answers.notFound();
    const answer = await handler(env, parseOrder(body), key);
    log.info("order_done", { order: path, kid: key.kid });
    return answers.done(answer);
  } catch (problem) {
    if (problem instanceof ConfigError) return answers.badRequest(problem.message);
    log.error("order_failed", { order: path, problem: log.words(problem) });
    return answers.unavailable();
  }
}

async function listSources(env: Env, _fields: Fields, control: Key): Promise<Fields> {
  const slugs = await listSlugs(env);
  return { sources: await Promise.all(slugs.map((slug) => describe(env, slug, control))) };
}

/** Returns a source as `sources/list` shows it. */
async function describe(env: Env, slug: string, control: Key): Promise<Fields> {
  try {
    const source = await readSource(env, slug);
    // Without fingerprints an entry differs from what the origin has, and is put again: sealed with the new key.
    const secrets = source?.isFreshlySealed ? source.secrets : [];
    const secret_fingerprints = await Promise.all(secrets.map((secret) => fingerprint(control, secret)));
    return { source: slug, config: source?.given ?? {}, secret_fingerprints, updated_at: source?.updatedAt ?? "" };
  } catch (problem) {
    // Sealed with a key that is gone, say.
    log.error("source_unreadable", { source: slug, problem: log.words(problem) });
    return { source: slug, config: {}, secret_fingerprints: [], updated_at: "" };
  }
}

async function putSources(env: Env, fields: Fields): Promise<Fields> {
  const sources = list(fields, "sources").map(parseSource); // all of them before the first is written
  for (const source of sources) await writeSource(env, source, new Date());
  return { written: sources.length };
}

async function deleteSources(env: Env, fields: Fields): Promise<Fields> {
  const slugs = list(fields, "sources").filter(isSlug);
  for (const slug of slugs) await deleteSource(env, slug);
  return { deleted: slugs.length };
}

async function redriveLetters(env: Env, { source, ids, limit, dry_run: dryRun }: Fields): Promise<Fields> {
  if (source !== undefined && !isSlug(source)) throw new ConfigError("source is not the name of one");
  if (ids !== undefined && !(Array.isArray(ids) && ids.every((id) => typeof id === "string")))
    throw new ConfigError("ids must be a list of texts");
  if (typeof limit !== "number" || !Number.isInteger(limit) || limit < 1 || limit > MOST_REDRIVEN)
    throw new ConfigError(`limit must be a whole number from 1 to ${MOST_REDRIVEN}`);
  if (typeof dryRun !== "boolean") throw new ConfigError("dry_run must be true or false");
  const choice = { ...(source === undefined ? {} : { source }), ...(ids === undefined ? {} : { ids }) };
  const done = await redrive(env, { ...choice, limit, dryRun });
  const letters = done.letters.map(({ id, source, reason, redrives }) => ({ id, source, reason, redrives }));
  return { letters, sent: done.sent, left: done.left };
}

async function status(env: Env): Promise<Fields> {
  let letters = 0;
  for await (const _letter of listLetters(env)) letters += 1;
  return {
    version,
    sources: (await listSlugs(env)).length,
    dead_letters: letters,
    now: new Date().toISOString(),
  };
}

function parseOrder(body: Uint8Array): Fields {
  const refusal = new ConfigError("the body must be a JSON object");
  try {
    const value: unknown = JSON.parse(text(body));
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw refusal;
    return value as Fields;
  } catch {
    throw refusal;
  }
}

function parseSource(value: unknown): NewSource {
  const { source, config, secrets } = (value ?? {}) as Fields;
  if (!isSlug(source)) throw new ConfigError("source must be lower-case letters, digits and hyphens");
  try {
    return { slug: source, given: config, secrets: parseSecrets(secrets, parseConfig(config).scheme) };
  } catch (problem) {
    if (problem instanceof ConfigError) throw new ConfigError(`${source}: ${problem.message}`, { cause: problem });
    throw problem;
  }
}

function parseSecrets(value: unknown, scheme: keyof typeof SCHEMES): string[] {
  const right = Array.isArray(value) && value.length <= MOST_SECRETS && value.every(isSecret);
  if (!right) throw new ConfigError(`secrets must be up to ${MOST_SECRETS} texts that are not empty`);
  const { secretProblem } = SCHEMES[scheme] as (typeof SCHEMES)["standard"];
  for (const secret of value as string[]) {
    const problem = secretProblem?.(secret);
    if (problem) throw new ConfigError(problem);
  }
  return value as string[];
}

function isSecret(value: unknown): boolean {
  return typeof value === "string" && value !== "" && utf8(value).length <= LONGEST_SECRET;
}

function list(fields: Fields, name: string): unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw new ConfigError(`${name} must be a list`);
  return value;
}
