/** Standard Webhooks (standardwebhooks.com), also under the older header names of Svix. */
import { fromBase64, join } from "../bytes";
import { hmacMatches } from "../hmac";
import { type Scheme, headerSeconds } from "./scheme";

const PREFIXES = ["webhook", "svix"] as const;
const SECRET_MARK = "whsec_";
const PUBLIC_KEY_MARK = "whpk_";
const PUBLIC_KEY_BYTES = 32;

export const standard: Scheme = {
  secretHeaders: PREFIXES.map((prefix) => `${prefix}-signature`),

  async signedBy(secret, incoming) {
    const prefix = prefixOf(incoming.headers);
    const id = incoming.headers.get(`${prefix}-id`);
    const timestamp = incoming.headers.get(`${prefix}-timestamp`);
    if (!id || !timestamp) return false;
    const data = join(`${id}.${timestamp}.`, incoming.body);
    const signatures = (incoming.headers.get(`${prefix}-signature`) ?? "").split(" ");
    for (const entry of signatures) {
      if (await fits(secret, data, entry)) return true;
    }
    return false;
  },

  signedAt: ({ headers }) => headerSeconds(headers, `${prefixOf(headers)}-timestamp`),

  deliveryId: ({ headers }) => headers.get(`${prefixOf(headers)}-id`),

  secretProblem(secret) {
    if (secret.startsWith(PUBLIC_KEY_MARK)) {
      const right = keyBytes(secret)?.length === PUBLIC_KEY_BYTES;
      return right ? null : `a public key is ${PUBLIC_KEY_MARK} and base64 of 32 bytes`;
    }
    return keyBytes(secret)?.length ? null : `a secret is base64, usually after ${SECRET_MARK}`;
  },
};

function prefixOf(headers: Headers): (typeof PREFIXES)[number] {
  return PREFIXES.find((prefix) => headers.has(`${prefix}-signature`)) ?? PREFIXES[0];
}

function keyBytes(secret: string): Uint8Array | null {
  const mark = [SECRET_MARK, PUBLIC_KEY_MARK].find((start) => secret.startsWith(start)) ?? "";
  return fromBase64(secret.slice(mark.length));
}

/** Returns whether one `version,base64` entry fits: v1 is HMAC with a secret, v1a Ed25519 with a public key. */
async function fits(secret: string, data: Uint8Array, entry: string): Promise<boolean> {
  const [version, base64 = ""] = entry.split(",", 2);
  const asymmetric = secret.startsWith(PUBLIC_KEY_MARK);
  const key = keyBytes(secret);
  const signature = fromBase64(base64);
  if (version !== (asymmetric ? "v1a" : "v1") || !key || !signature) return false;
  if (!asymmetric) return hmacMatches(key, data, signature);
  if (key.length !== PUBLIC_KEY_BYTES) return false;
  const publicKey = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, publicKey, signature, data);
}
