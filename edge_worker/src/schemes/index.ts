/** The one table of signature schemes, and what it takes to believe a request. */
import type { SourceConfig } from "../config";
import { basic, bearer, header } from "./credentials";
import { generic } from "./generic";
import { github, shopify, slack, stripe } from "./providers";
import type { Incoming, Scheme } from "./scheme";
import { standard } from "./standard";
import { twilio } from "./twilio";

export type { Incoming } from "./scheme";

export const SCHEMES = {
  standard,
  github,
  stripe,
  slack,
  shopify,
  twilio,
  hmac: generic,
  header,
  bearer,
  basic,
} as const satisfies Record<string, Scheme>;

export type SchemeName = keyof typeof SCHEMES;

/** Returns whether this is the name of a scheme. */
export function isSchemeName(name: unknown): name is SchemeName {
  return typeof name === "string" && Object.hasOwn(SCHEMES, name);
}

/** Returns the scheme of a source. */
export function schemeOf(config: SourceConfig): Scheme {
  return SCHEMES[config.scheme];
}

/** Returns the secret that vouches for a request; null when none does, or when it was signed too long from now. */
export async function vouchingSecret(
  config: SourceConfig,
  secrets: readonly string[],
  incoming: Incoming,
  nowSeconds: number,
): Promise<string | null> {
  const scheme = schemeOf(config);
  const signedAt = scheme.signedAt?.(incoming, config.options) ?? nowSeconds;
  // Written so that NaN, an unreadable time, is refused as well.
  if (!(Math.abs(nowSeconds - signedAt) <= config.tolerance_seconds)) return null;
  for (const secret of secrets) {
    if (secret !== "" && (await scheme.signedBy(secret, incoming, config.options))) return secret;
  }
  return null;
}

/** Returns every header that may hold a signature or a credential of this source's sender, lower case. */
export function secretHeadersOf(config: SourceConfig): Set<string> {
  // Those of all schemes: a sender may send several, and a source may be set to the wrong one.
  const names = Object.values(SCHEMES).flatMap((scheme) => [...scheme.secretHeaders]);
  return new Set(config.options.header === "" ? names : [...names, config.options.header.toLowerCase()]);
}
