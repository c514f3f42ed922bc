/** Twilio: the address and the sorted form fields, or the address that names the body's hash. */
import { fromBase64, sha256Hex, text, utf8 } from "../bytes";
import { hmacMatches, sameText } from "../hmac";
import type { Incoming, Scheme } from "./scheme";

export const twilio: Scheme = {
  secretHeaders: ["x-twilio-signature"],
  async signedBy(secret, incoming) {
    const signature = fromBase64(incoming.headers.get("x-twilio-signature") ?? "");
    if (signature === null) return false;
    const bodyHash = new URL(incoming.url).searchParams.get("bodySHA256");
    const data = incoming.url + (bodyHash === null ? sortedFields(incoming) : "");
    if (!(await hmacMatches(utf8(secret), utf8(data), signature, "SHA-1"))) return false;
    return bodyHash === null || sameText(bodyHash.toLowerCase(), await sha256Hex(incoming.body));
  },
  deliveryId: ({ headers }) => headers.get("i-twilio-idempotency-token"),
};

/** Returns each field's name and value, sorted by name; a name's several values are sorted, each once. */
function sortedFields({ body }: Incoming): string {
  const fields = new URLSearchParams(text(body));
  const names = [...new Set(fields.keys())].sort();
  return names
    .map((name) =>
      [...new Set(fields.getAll(name))]
        .sort()
        .map((value) => name + value)
        .join(""),
    )
    .join("");
}
