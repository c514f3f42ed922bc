/** The Worker: takes webhooks, forwards them from the queue, keeps what failed, and looks after that on a schedule. */
import { buryAll } from "./burial";
import { consume } from "./consumer";
import type { Env } from "./env";
import { postKeptNotices } from "./notices";
import { redriveOnSchedule } from "./redrive";
import { route } from "./router";

/** As named in wrangler.jsonc. */
const DEAD_LETTER_QUEUE = "webhooks-dead";

export default {
  fetch: (request, env) => route(request, env),

  async queue(batch, env) {
    await (batch.queue === DEAD_LETTER_QUEUE ? buryAll(batch, env) : consume(batch, env));
  },

  async scheduled(_event, env) {
    await postKeptNotices(env);
    await redriveOnSchedule(env, Date.now());
  },
} satisfies ExportedHandler<Env>;
