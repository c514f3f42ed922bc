/** Reading a request's body, but never more of it than allowed. */
import { join } from "./bytes";

/** Returns the raw bytes of a body; null as soon as there are more than allowed. */
export async function readBody(request: Request, mostBytes: number): Promise<Uint8Array | null> {
  if (Number(request.headers.get("content-length") ?? 0) > mostBytes) return null;
  const pieces: Uint8Array[] = [];
  let length = 0;
  // A sender need not say how long a body is, nor be right about it.
  for await (const piece of request.body ?? []) {
    length += piece.length;
    if (length > mostBytes) return null;
    pieces.push(piece);
  }
  return join(...pieces);
}
