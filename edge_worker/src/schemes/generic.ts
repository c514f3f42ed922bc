/** The configurable scheme: an HMAC over a template, in a header of the sender's choice. */
import type { Options } from "../config";
import { fromBase64, fromHex, join, utf8 } from "../bytes";
import { type Hash, hmacMatches } from "../hmac";
import { type Incoming, type Scheme, headerSeconds } from "./scheme";

const HASHES = { sha1: "SHA-1", sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" } as const satisfies Record<
  string,
  Hash
>;

export const generic: Scheme = {
  secretHeaders: [], // the configured header, see `secretHeadersOf`
  async signedBy(secret, incoming, options) {
    const given = incoming.headers.get(options.header) ?? "";
    if (!given.startsWith(options.prefix)) return false;
    const digits = given.slice(options.prefix.length);
    const signature = options.encoding === "hex" ? fromHex(digits) : fromBase64(digits);
    if (signature === null) return false;
    return hmacMatches(utf8(secret), filled(incoming, options), signature, HASHES[options.algorithm]);
  },
  signedAt: ({ headers }, { timestamp_header: name }) => (name === null ? null : headerSeconds(headers, name)),
  deliveryId: ({ headers }, { id_header: name }) => (name === null ? null : headers.get(name)),
};

/** Returns the template's bytes with {body}, {timestamp} and {id} put in; the values are not read as templates again. */
function filled({ headers, body }: Incoming, options: Options): Uint8Array {
  const values = new Map<string, Uint8Array | string>([
    ["{body}", body],
    ["{timestamp}", headers.get(options.timestamp_header ?? "-") ?? ""],
    ["{id}", headers.get(options.id_header ?? "-") ?? ""],
  ]);
  return join(...options.template.split(/(\{body\}|\{timestamp\}|\{id\})/).map((part) => values.get(part) ?? part));
}
