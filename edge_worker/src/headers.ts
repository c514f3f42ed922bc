/** Which headers of a sender go on to the origin. */

const PRIVATE = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "forwarded",
  "x-real-ip",
  "true-client-ip",
  "x-api-key",
  "x-auth-token",
]);
const PRIVATE_STARTS = ["cf-", "x-forwarded-", "x-edge-"];
const OF_THE_CONNECTION = new Set(["connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"]);

/** Returns whether a header, lower case, is a credential or says how the request came here. */
export function isPrivateHeader(name: string): boolean {
  return PRIVATE.has(name) || PRIVATE_STARTS.some((start) => name.startsWith(start));
}

/** Returns the headers that are kept, lower case, without credentials, cookies and what the network added. */
export function keptHeaders(headers: Headers, secretHeaders: ReadonlySet<string>): [string, string][] {
  return [...headers].filter(
    ([name]) => !isPrivateHeader(name) && !OF_THE_CONNECTION.has(name) && !secretHeaders.has(name),
  );
}
