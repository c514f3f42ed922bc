/** How much one source may send. */
import type { SourceConfig } from "./config";
import type { Env } from "./env";

const LIMITERS = { low: "RATE_LOW", normal: "RATE_NORMAL", high: "RATE_HIGH" } as const satisfies Record<
  SourceConfig["rate"],
  keyof Env
>;

/** Returns whether one more request under this key is within its tier. Counted for each Cloudflare location. */
export async function isWithinRate(env: Env, rate: SourceConfig["rate"], key: string): Promise<boolean> {
  const { success } = await env[LIMITERS[rate]].limit({ key });
  return success;
}
