/** What the queue carries of one webhook. */
import { sha256Hex, utf8 } from "./bytes";
import { keptHeaders } from "./headers";
import { type Incoming, schemeOf, secretHeadersOf } from "./schemes";
import type { Source } from "./sources";

/** Everything about a webhook but its body. */
export interface Envelope {
  readonly v: 1;
  readonly id: string;
  readonly source: string;
  /** What makes it the same event when it comes again; its first word says where that is from. */
  readonly key: string;
  readonly key_kind: KeyKind;
  readonly received_at: string;
  readonly content_type: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly query: string;
  readonly size: number;
  /** Of the raw body, in hexadecimal digits. */
  readonly sha256: string;
  readonly scheme: string;
  /** Fingerprint of the secret that vouched for it, so that the origin knows which are in use. */
  readonly secret: string;
  /** How often it was sent again after it had become a dead letter. */
  readonly redrives: number;
}

export type KeyKind = "delivery" | "header" | "hash";

/** Who received what, when. */
export interface Receipt {
  readonly id: string;
  readonly source: Source;
  readonly incoming: Incoming;
  readonly secretFingerprint: string;
  readonly now: Date;
}

const LONGEST_KEY = 300;
/** What the origin takes. Beyond that a sender is refused at once, or it would be told "accepted" and rejected later. */
const MOST = { headers: 200, headerLength: 16_384, queryLength: 16_384, contentTypeLength: 255, bytes: 64_000 };

/** Returns the envelope of a request whose signature was checked. */
export async function enclose({ id, source, incoming, secretFingerprint, now }: Receipt): Promise<Envelope> {
  const { headers, body, url } = incoming;
  const sha256 = await sha256Hex(body);
  return {
    v: 1,
    id,
    source: source.slug,
    ...(await keyOf(source, incoming, sha256, now)),
    received_at: now.toISOString(),
    content_type: headers.get("content-type") ?? "",
    headers: keptHeaders(headers, secretHeadersOf(source.config)),
    query: new URL(url).search.slice(1),
    size: body.length,
    sha256,
    scheme: source.config.scheme,
    secret: secretFingerprint,
    redrives: 0,
  };
}

/** Returns whether a message and the origin can carry an envelope. */
export function isCarriable(envelope: Envelope): boolean {
  return (
    envelope.headers.length <= MOST.headers &&
    envelope.headers.every(([name, value]) => name.length <= MOST.headerLength && value.length <= MOST.headerLength) &&
    envelope.query.length <= MOST.queryLength &&
    envelope.content_type.length <= MOST.contentTypeLength &&
    utf8(JSON.stringify(envelope)).length <= MOST.bytes
  );
}

/** Returns the event's key: the sender's delivery id, else the configured header, else the body's hash in a window. */
async function keyOf(
  { config }: Source,
  incoming: Incoming,
  sha256: string,
  now: Date,
): Promise<{ key: string; key_kind: KeyKind }> {
  const delivery = schemeOf(config).deliveryId(incoming, config.options);
  if (delivery) return { key: await short("delivery", delivery), key_kind: "delivery" };
  const named = config.key_header === null ? null : incoming.headers.get(config.key_header);
  if (named) return { key: await short("header", named), key_kind: "header" };
  // A body alone says little: the same one an hour later is another event.
  const window = Math.floor(now.getTime() / 1000 / config.window_seconds);
  return { key: `sha256:${sha256}:${window}`, key_kind: "hash" };
}

/** Returns `kind:value`, or its hash where the value is too long or not printable. */
async function short(kind: "delivery" | "header", value: string): Promise<string> {
  const key = `${kind}:${value}`;
  if (key.length <= LONGEST_KEY && /^[\x20-\x7e]*$/.test(key)) return key;
  return `${kind}:sha256:${await sha256Hex(utf8(value))}`;
}
