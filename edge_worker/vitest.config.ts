import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

const key = (digit: string): string => digit.repeat(64);

export default defineConfig({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.jsonc" },
      miniflare: {
        bindings: {
          ORIGIN_URL: "http://origin.test",
          EDGE_KEYS: `edge-2:${key("2")},edge-1:${key("1")}`,
          EDGE_CONTROL_KEYS: `control-2:${key("4")},control-1:${key("3")}`,
          CONFIG_KEYS: `config-1:${key("5")}`,
        },
      },
    }),
  ],
  test: { include: ["test/*.test.ts"], silent: "passed-only", testTimeout: 30_000, hookTimeout: 30_000 },
});
