/** Notices of dead letters: each is kept in R2 until the origin has taken it. */
import { utf8 } from "./bytes";
import type { Env } from "./env";
import type { Letter } from "./letters";
import * as log from "./log";
import { askOrigin } from "./origin";

const PREFIX = "notices/";
const AT_ONCE = 100;
/** The schedule comes again in a few minutes; one visit stays well below the limit of requests to R2. */
const MOST_PER_VISIT = 500;

/** Keeps a notice, to be posted. */
export async function keepNotice(env: Env, letter: Letter): Promise<void> {
  await env.STORE.put(nameOf(letter), JSON.stringify(letter));
}

/** Posts notices and forgets those the origin took; what fails stays for the schedule. */
export async function postNotices(env: Env, letters: readonly Letter[]): Promise<void> {
  try {
    for (let at = 0; at < letters.length; at += AT_ONCE) await post(env, letters.slice(at, at + AT_ONCE));
  } catch (problem) {
    log.warning("notices_postponed", { problem: log.words(problem) });
  }
}

/** Forgets notices that need not be posted any more. */
export async function forgetNotices(env: Env, letters: readonly Pick<Letter, "source" | "id">[]): Promise<void> {
  if (letters.length > 0) await env.STORE.delete(letters.map(nameOf));
}

/** Posts what is still kept. */
export async function postKeptNotices(env: Env): Promise<void> {
  const { objects } = await env.STORE.list({ prefix: PREFIX, limit: MOST_PER_VISIT });
  const letters: Letter[] = [];
  for (const { key } of objects) {
    const object = await env.STORE.get(key);
    if (object) letters.push(await object.json<Letter>());
  }
  await postNotices(env, letters);
}

async function post(env: Env, letters: readonly Letter[]): Promise<void> {
  const answer = await askOrigin(env, "dead-letters", utf8(JSON.stringify({ v: 1, letters })));
  if (answer?.status === 200) {
    const settled = settledIds(answer.body);
    return forgetNotices(
      env,
      letters.filter(({ id }) => settled.has(id)),
    );
  }
  const refused = answer?.status === 400 || answer?.status === 413;
  if (!refused) return;
  if (letters.length > 1) {
    for (const letter of letters) await post(env, [letter]);
    return;
  }
  log.error("notice_refused", { id: letters[0]?.id, source: letters[0]?.source, status: answer.status });
  await forgetNotices(env, letters);
}

/** Returns the ids the origin has taken, and those it will never take: their letters stay, and a redrive finds them. */
function settledIds(body: unknown): Set<unknown> {
  const results = (body as { results?: unknown } | null)?.results;
  const settled = new Set<unknown>();
  for (const result of Array.isArray(results) ? (results as Record<string, unknown>[]) : []) {
    const rejected = result?.["status"] === "rejected";
    if (rejected) log.error("notice_refused", { id: String(result["id"]) });
    if (rejected || result?.["status"] === "accepted") settled.add(result["id"]);
  }
  return settled;
}

function nameOf({ source, id }: Pick<Letter, "source" | "id">): string {
  return `${PREFIX}${source}/${id}.json`;
}
