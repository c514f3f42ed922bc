/** The schemes of single providers: GitHub, Stripe, Slack, Shopify. */
import { fromBase64, fromHex, join, utf8 } from "../bytes";
import { hmacMatches } from "../hmac";
import { type Scheme, headerSeconds, jsonText } from "./scheme";

export const github: Scheme = {
  secretHeaders: ["x-hub-signature-256", "x-hub-signature"],
  async signedBy(secret, { headers, body }) {
    const signature = marked(headers.get("x-hub-signature-256"), "sha256=");
    return signature !== null && hmacMatches(utf8(secret), body, signature);
  },
  deliveryId: ({ headers }) => headers.get("x-github-delivery"),
};

export const stripe: Scheme = {
  secretHeaders: ["stripe-signature"],
  async signedBy(secret, { headers, body }) {
    const { timestamp, signatures } = stripeParts(headers);
    const data = join(`${timestamp}.`, body);
    for (const signature of signatures) {
      // The whole secret is the key, its "whsec_" included: it is not base64.
      if (await hmacMatches(utf8(secret), data, signature)) return true;
    }
    return false;
  },
  signedAt: ({ headers }) => {
    const { timestamp } = stripeParts(headers);
    return /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
  },
  deliveryId: ({ body }) => jsonText(body, "id"),
};

export const slack: Scheme = {
  secretHeaders: ["x-slack-signature"],
  async signedBy(secret, { headers, body }) {
    const signature = marked(headers.get("x-slack-signature"), "v0=");
    const timestamp = headers.get("x-slack-request-timestamp") ?? "";
    return signature !== null && hmacMatches(utf8(secret), join(`v0:${timestamp}:`, body), signature);
  },
  signedAt: ({ headers }) => headerSeconds(headers, "x-slack-request-timestamp"),
  deliveryId: ({ body }) => jsonText(body, "event_id"),
};

export const shopify: Scheme = {
  secretHeaders: ["x-shopify-hmac-sha256"],
  async signedBy(secret, { headers, body }) {
    const signature = fromBase64(headers.get("x-shopify-hmac-sha256") ?? "");
    return signature !== null && hmacMatches(utf8(secret), body, signature);
  },
  deliveryId: ({ headers }) => headers.get("x-shopify-webhook-id"),
};

/** Returns the bytes of the hexadecimal digits after a mark; null when they do not follow it. */
function marked(value: string | null, mark: string): Uint8Array | null {
  return value?.startsWith(mark) ? fromHex(value.slice(mark.length)) : null;
}

/** Returns the parts of `t=1700000000,v1=…,v1=…`; entries of other versions are left out. */
function stripeParts(headers: Headers): { timestamp: string; signatures: Uint8Array[] } {
  let timestamp = "";
  const signatures: Uint8Array[] = [];
  for (const part of (headers.get("stripe-signature") ?? "").split(",")) {
    const [name, value = ""] = part.trim().split("=", 2);
    const signature = name === "v1" ? fromHex(value) : null;
    if (name === "t") timestamp = value;
    if (signature !== null) signatures.push(signature);
  }
  return { timestamp, signatures };
}
