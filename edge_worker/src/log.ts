/** Log lines: one JSON object each, a constant event name and fields. Bodies, queries and secrets never go in. */

type Field = string | number | boolean | null | undefined;

/** Writes what happened in good order. */
export function info(event: string, fields: Record<string, Field> = {}): void {
  console.log(line("info", event, fields));
}

/** Writes what a person should look at when it goes on. */
export function warning(event: string, fields: Record<string, Field> = {}): void {
  console.warn(line("warning", event, fields));
}

/** Writes what a person must look at. */
export function error(event: string, fields: Record<string, Field> = {}): void {
  console.error(line("error", event, fields));
}

/** Returns what went wrong, in words short enough for a line. */
export function words(problem: unknown): string {
  return (problem instanceof Error ? `${problem.name}: ${problem.message}` : String(problem)).slice(0, 300);
}

function line(level: string, event: string, fields: Record<string, Field>): string {
  return JSON.stringify({ level, event, ...fields });
}
