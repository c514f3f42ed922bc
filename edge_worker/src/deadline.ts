/** Waiting that ends. */

/** Something took longer than it may. What it was doing may still happen. */
export class DeadlineError extends Error {}

/** Returns what a promise returns. Throws DeadlineError when that takes longer than so many seconds. */
export async function within<T>(seconds: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(`${what} took longer than ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer ?? null);
  }
}
