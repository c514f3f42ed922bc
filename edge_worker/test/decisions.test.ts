/** Pure decisions: waiting, grouping, addresses, secrets at rest. */
import { expect, test } from "vitest";
import { isInside, parseNetwork } from "../src/addresses";
import { grouped } from "../src/groups";
import { keysOf } from "../src/env";
import { open, seal } from "../src/sealing";
import { LONGEST_DELAY_SECONDS, backoffSeconds, toldSeconds } from "../src/verdicts";
import { bindings } from "./support";

const BACKOFF = { baseSeconds: 10, capSeconds: 3600 };

test.each([
  [1, 5, 10],
  [2, 10, 20],
  [5, 80, 160],
  [10, 1800, 3600],
  [100, 1800, 3600],
])("after attempt %i the wait is from %i to %i seconds", (attempts, least, most) => {
  expect(backoffSeconds(attempts, BACKOFF, 0)).toBe(least);
  expect(backoffSeconds(attempts, BACKOFF, 1)).toBe(most);
});

test("a hundred attempts last for more than a day and a half of outage, whatever the chance", () => {
  const waits = Array.from({ length: 99 }, (_, index) => backoffSeconds(index + 1, BACKOFF, 0));
  expect(waits.reduce((sum, wait) => sum + wait) / 3600).toBeGreaterThan(45);
});

test("a time the origin names is kept to, and never longer than the queue can wait", () => {
  expect([toldSeconds(100, 0), toldSeconds(100, 1)]).toEqual([100, 125]);
  expect(toldSeconds(1_000_000, 1)).toBe(LONGEST_DELAY_SECONDS);
});

test.each([
  [[], []],
  [
    [1, 1, 1],
    [[1, 1], [1]],
  ],
  [
    [6, 4, 1],
    [[6, 4], [1]],
  ],
  [
    [6, 5],
    [[6], [5]],
  ],
  [
    [99, 1],
    [[99], [1]],
  ],
])("%j in groups of two items and ten bytes are %j", (sizes, groups) => {
  expect(grouped(sizes, { count: 2, bytes: 10 }, (size) => size)).toEqual(groups);
});

test.each([
  ["10.0.0.0/8", "10.255.0.1", true],
  ["10.0.0.0/8", "11.0.0.1", false],
  ["192.0.2.7", "192.0.2.7", true],
  ["192.0.2.7", "192.0.2.8", false],
  ["0.0.0.0/0", "203.0.113.1", true],
  ["0.0.0.0/0", "2001:db8::1", false],
  ["2001:db8::/32", "2001:db8:ffff::1", true],
  ["2001:db8::/32", "2001:db9::1", false],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1", true],
  ["192.0.2.0/24", "::ffff:192.0.2.9", true],
  ["::/0", "::1", true],
  ["10.0.0.0/8", "", false],
])("%s and %s: %s", (network, address, inside) => {
  expect(isInside(address, [parseNetwork(network)!])).toBe(inside);
});

test.each(["10.0.0.0/33", "10.0.0", "10.0.0.256", "01.0.0.0", "::1::", "1:2:3", "2001:db8::/129", "x", "10.0.0.0/8/8"])(
  "%s is no network",
  (text) => expect(parseNetwork(text)).toBeNull(),
);

test("what is sealed for one place opens nowhere else and with no other key", async () => {
  const keys = keysOf(bindings, "CONFIG_KEYS");
  const sealed = await seal(keys[0], "source:a", "s3cret");
  expect(await open(keys, "source:a", sealed)).toBe("s3cret");
  await expect(open(keys, "source:b", sealed)).rejects.toThrow("source:b");
  await expect(open([{ ...keys[0], kid: "other" }], "source:a", sealed)).rejects.toThrow("not here");
  await expect(open([{ ...keys[0], secret: new Uint8Array(32) }], "source:a", sealed)).rejects.toThrow("does not open");
});
