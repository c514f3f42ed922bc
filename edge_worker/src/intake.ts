/** `POST /hooks/{source}`: check, enclose, queue, and only then answer 202. */
import * as answers from "./answers";
import { readBody } from "./body";
import { challengeAnswer } from "./challenges";
import { type SourceConfig, networksOf } from "./config";
import { isInside } from "./addresses";
import { type Env, keysOf } from "./env";
import { enclose, isCarriable } from "./envelope";
import * as log from "./log";
import { enqueue } from "./messages";
import { isWithinRate } from "./rates";
import { type Incoming, vouchingSecret } from "./schemes";
import { type Source, findSource, fingerprint } from "./sources";

/** Returns what the sender is told. KV, R2, queue and settings that fail are all 503: the sender has to come again. */
export async function takeWebhook(request: Request, env: Env, slug: string): Promise<Response> {
  try {
    const source = await findSource(env, slug, Date.now());
    if (!source?.config.enabled) return refused(slug, "unknown", answers.notFound());
    const refusal = await gate(request, env, source);
    if (refusal) return refused(slug, "gate", refusal);
    const body = await readBody(request, source.config.max_bytes);
    if (body === null) return refused(slug, "size", answers.tooLarge());
    return await admit({ headers: request.headers, body, url: request.url }, env, source);
  } catch (problem) {
    log.error("webhook_unavailable", { source: slug, problem: log.words(problem) });
    return answers.unavailable();
  }
}

/** Returns why a request is refused before its body is read; null when it is not. */
async function gate(request: Request, env: Env, { slug, config }: Source): Promise<Response | null> {
  const address = request.headers.get("cf-connecting-ip") ?? "";
  const networks = networksOf(config);
  if (networks.length > 0 && !isInside(address, networks)) return answers.forbidden();
  if (!isContentAllowed(config, request.headers.get("content-type") ?? "")) return answers.forbidden();
  // By address as long as nobody has proved who they are: a stranger must not use up the sender's share.
  return (await isWithinRate(env, config.rate, `${slug}|${address}`)) ? null : answers.tooMany();
}

/** Checks who sent it and puts it on the queue. */
async function admit(incoming: Incoming, env: Env, source: Source): Promise<Response> {
  const { slug, config } = source;
  const now = new Date();
  const secret = await vouchingSecret(config, source.secrets, incoming, now.getTime() / 1000);
  if (secret === null) return refused(slug, "signature", answers.unauthorized());
  if (!(await isWithinRate(env, config.rate, slug))) return refused(slug, "rate", answers.tooMany());
  const challenge = challengeAnswer(config.scheme, incoming);
  if (challenge) {
    log.info("challenge_answered", { source: slug });
    return challenge;
  }
  const [control] = keysOf(env, "EDGE_CONTROL_KEYS");
  const id = crypto.randomUUID();
  const secretFingerprint = await fingerprint(control, secret);
  const envelope = await enclose({ id, source, incoming, secretFingerprint, now });
  if (!isCarriable(envelope)) return refused(slug, "headers", answers.tooLarge());
  await enqueue(env, envelope, incoming.body);
  log.info("webhook_accepted", { source: slug, id, size: envelope.size, key_kind: envelope.key_kind });
  return answers.accepted(id);
}

function refused(source: string, why: string, response: Response): Response {
  log.info("webhook_refused", { source, why, status: response.status });
  return response;
}

/** Returns whether a source takes this content type; its parameters (`; charset=utf-8`) do not count. */
function isContentAllowed({ content_types: allowed }: SourceConfig, contentType: string): boolean {
  const plain = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return allowed.length === 0 || allowed.some((type) => type.toLowerCase() === plain);
}
