/** Requests by which a provider only tries an address out: answered here, never queued. */
import * as answers from "./answers";
import type { Incoming, SchemeName } from "./schemes";
import { jsonObject } from "./schemes/scheme";

/** Returns the answer to a provider's trial of the address; null for an event. Call it after the signature was checked. */
export function challengeAnswer(scheme: SchemeName, { headers, body }: Incoming): Response | null {
  if (scheme === "github" && headers.get("x-github-event") === "ping") return answers.done({ status: "pong" });
  if (scheme !== "slack") return null;
  const fields = jsonObject(body);
  const challenge = fields?.["challenge"];
  const asked = fields?.["type"] === "url_verification" && typeof challenge === "string";
  return asked ? answers.plain(challenge) : null;
}
