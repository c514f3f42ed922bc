/**
 * The real Worker on this machine: workerd, with wrangler.jsonc as it is deployed, on a port of 127.0.0.1.
 *
 *   node local/serve.mjs [--port 8787] [--folder DIR] [--cron-seconds 60]
 *
 * ORIGIN_URL, EDGE_KEYS, EDGE_CONTROL_KEYS and CONFIG_KEYS come from the environment, and so does every other variable
 * of wrangler.jsonc that is set there. KV and R2 live in the folder; what is queued lives in memory and ends with it.
 *
 * Prints one JSON line when it serves: {"ready": true, "url": …, "pid": …}. Ends on SIGTERM or SIGINT, when its parent
 * ends, when its standard input is a pipe that closes, and when workerd has died. No workerd is left.
 */
import { fstatSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions as optionsOf } from "wrangler";

const CONFIG = fileURLToPath(new URL("../wrangler.jsonc", import.meta.url));
const REQUIRED = ["ORIGIN_URL", "EDGE_KEYS", "EDGE_CONTROL_KEYS", "CONFIG_KEYS"];
const WATCH_MS = 1000;
const REFUSED_CHECKS = 3;

const { values: given } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    folder: { type: "string", default: "" },
    "cron-seconds": { type: "string", default: "60" },
  },
});
const missing = REQUIRED.filter((name) => !process.env[name]);
if (missing.length > 0) {
  console.error(`Set ${missing.join(", ")} in the environment.`);
  process.exit(2);
}

const worker = await start();
const { origin } = await worker.ready;
let ending = false;
let refused = 0;
watchForTheEnd();
keepTheSchedule();
console.log(JSON.stringify({ ready: true, url: origin, pid: process.pid }));

/** Starts workerd with the code as it is now. */
async function start() {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    target: "es2024",
    write: false,
  });
  const { workerOptions } = optionsOf(CONFIG);
  const names = [...Object.keys(workerOptions.bindings), ...REQUIRED];
  const bindings = Object.fromEntries(names.map((name) => [name, process.env[name] ?? workerOptions.bindings[name]]));
  return new Miniflare({
    ...workerOptions,
    bindings,
    modules: [{ type: "ESModule", path: "index.js", contents: bundle.outputFiles[0].text }],
    host: "127.0.0.1",
    port: Number(given.port),
    cf: false, // else it asks Cloudflare where we are
    vpcServices: {}, // the origin is on this machine
    log: new Log(LogLevel.WARN),
    ...(given.folder ? { defaultPersistRoot: given.folder } : {}),
  });
}

/** The emulator knows no cron: the Worker's schedule is called from here. */
function keepTheSchedule() {
  const call = async () => (await worker.getWorker()).scheduled({ cron: "local" });
  setInterval(() => call().catch((problem) => console.error(String(problem))), given["cron-seconds"] * 1000);
}

function watchForTheEnd() {
  const parent = process.ppid;
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => end(0));
  if (fstatSync(0).isFIFO() || fstatSync(0).isSocket()) process.stdin.on("end", () => end(0)).resume();
  setInterval(async () => {
    if (process.ppid !== parent) await end(0);
    refused = (await isRefused()) ? refused + 1 : 0;
    if (refused >= REFUSED_CHECKS) await end(1);
  }, WATCH_MS);
}

/** Whether nobody listens any more. A workerd that is only slow is left alone: it holds what is queued. */
async function isRefused() {
  try {
    await fetch(new URL("/healthz", origin), { signal: AbortSignal.timeout(WATCH_MS) });
    return false;
  } catch (problem) {
    return problem.cause?.code === "ECONNREFUSED";
  }
}

async function end(code) {
  if (ending) return;
  ending = true;
  await worker.dispose();
  process.exit(code);
}
