/** What a sender is told. Nothing here depends on a secret, and a refusal has one body whatever its reason. */

export const RETRY_SECONDS = 30;
export const RATE_PERIOD_SECONDS = 10;

function answer(status: number, body: Record<string, unknown>, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { "Cache-Control": "no-store", ...headers } });
}

/** The queue has it. */
export const accepted = (id: string): Response => answer(202, { status: "accepted", id });

/** Bad or stale signature, or none. */
export const unauthorized = (): Response => answer(401, { error: "unauthorized" });

/** The source takes nothing from this address, or nothing of this content type. */
export const forbidden = (): Response => answer(403, { error: "not allowed" });

/** No such source, or a disabled one: 410 would make some senders give up the address for good. */
export const notFound = (): Response => answer(404, { error: "not found" });

export const methodNotAllowed = (allow: string): Response =>
  answer(405, { error: "method not allowed" }, { Allow: allow });

export const tooLarge = (): Response => answer(413, { error: "too large" });

export const tooMany = (): Response =>
  answer(429, { error: "too many requests" }, { "Retry-After": String(RATE_PERIOD_SECONDS) });

/** KV, R2 or the queue is away: nothing was kept, send it again. */
export const unavailable = (): Response =>
  answer(503, { error: "try again later" }, { "Retry-After": String(RETRY_SECONDS) });

/** A control request that cannot be carried out, in words for the person who sent it. */
export const badRequest = (problem: string): Response => answer(400, { error: problem });

export const done = (body: Record<string, unknown>): Response => answer(200, body);

/** A plain text, as some senders want their challenge answered. */
export const plain = (body: string): Response =>
  new Response(body, { headers: { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" } });
