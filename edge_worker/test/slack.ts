/** Slack's signature, written down from its documentation: Slack's own library needs a whole web framework. */
import { toHex, utf8 } from "../src/bytes";
import { hmac } from "../src/hmac";
import { nowSeconds } from "./support";

/** Returns the headers Slack sends with a body. */
export async function slackHeaders(secret: string, body: string, seconds = nowSeconds()) {
  const signature = await hmac(utf8(secret), utf8(`v0:${seconds}:${body}`));
  return { "X-Slack-Request-Timestamp": String(seconds), "X-Slack-Signature": `v0=${toHex(signature)}` };
}
