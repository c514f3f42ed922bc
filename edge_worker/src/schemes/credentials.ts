/** Schemes without a signature: the sender shows a secret. They prove who sends, not what. */
import { toBase64, utf8 } from "../bytes";
import { sameText } from "../hmac";
import type { Scheme } from "./scheme";

export const header: Scheme = {
  secretHeaders: [], // the configured header, see `secretHeadersOf`
  signedBy: async (secret, { headers }, options) => sameText(headers.get(options.header) ?? "", secret),
  deliveryId: () => null,
};

export const bearer: Scheme = {
  secretHeaders: ["authorization"],
  signedBy: async (secret, { headers }) => sameText(authorization(headers, "bearer"), secret),
  deliveryId: () => null,
};

export const basic: Scheme = {
  secretHeaders: ["authorization"],
  signedBy: async (secret, { headers }) => sameText(authorization(headers, "basic"), toBase64(utf8(secret))),
  deliveryId: () => null,
  secretProblem: (secret) => (/^[^:]+:./.test(secret) ? null : "a secret is USER:PASSWORD"),
};

/** Returns what follows the scheme's name in the Authorization header; nothing when it names another one. */
function authorization(headers: Headers, scheme: string): string {
  const [, name = "", value = ""] = /^(\S+) +(.*)$/.exec(headers.get("authorization") ?? "") ?? [];
  return name.toLowerCase() === scheme ? value : "";
}
