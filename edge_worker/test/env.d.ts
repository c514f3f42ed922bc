/** The bindings of the Worker under test. */
declare namespace Cloudflare {
  interface Env extends Omit<import("../src/env").Env, "ORIGIN"> {
    readonly TESTING?: never;
  }
}
