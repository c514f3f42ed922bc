/** What a signature scheme is: how one sender proves that a request is theirs. */
import type { Options } from "../config";

/** A request as it came in, with its raw body. */
export interface Incoming {
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly url: string;
}

export interface Scheme {
  /** Headers that hold signatures or credentials, lower case: they go no further than the Worker. */
  readonly secretHeaders: readonly string[];
  /** Returns whether this secret signed the request, over its raw bytes. */
  signedBy(secret: string, incoming: Incoming, options: Options): Promise<boolean>;
  /** Returns when the sender says they signed it, in Unix seconds; NaN when unreadable. Only where that is signed, too. */
  signedAt?(incoming: Incoming, options: Options): number | null;
  /** Returns the sender's own id of this delivery, the same each time they send it again. */
  deliveryId(incoming: Incoming, options: Options): string | null;
  /** Returns what is wrong with a secret, for the person who sets it. */
  secretProblem?(secret: string): string | null;
}

/** Returns a header's Unix seconds; NaN when it is missing or something else. */
export function headerSeconds(headers: Headers, name: string): number {
  const value = headers.get(name) ?? "";
  return /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN;
}

/** Returns a text field of a JSON object's top level; null when there is none. */
export function jsonText(body: Uint8Array, field: string): string | null {
  const value = jsonObject(body)?.[field];
  return typeof value === "string" && value !== "" ? value : null;
}

/** Returns a body's JSON object; null when it is something else. */
export function jsonObject(body: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null; // not JSON: such a body has no fields
  }
}
