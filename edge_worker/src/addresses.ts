/** Internet addresses, version 4 and 6, and whether one lies in a network. */

/** A network: the address's bits without those of its hosts. Version 4 lies in ::ffff:0:0/96, as IPv6 itself has it. */
export interface Network {
  readonly bits: bigint;
  readonly hostBits: bigint;
}

const LENGTH = 128n;
const MAPPED = 0xffffn << 32n;

/** Returns the network of `10.0.0.0/8`, `2001:db8::/32` or one address; null when it is neither. */
export function parseNetwork(text: string): Network | null {
  const [address = "", prefix, ...rest] = text.trim().split("/");
  const bits = parseAddress(address);
  if (bits === null || rest.length > 0) return null;
  const own = address.includes(":") ? LENGTH : 32n;
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return null;
  const length = prefix === undefined ? own : BigInt(prefix);
  if (length > own) return null;
  const hostBits = own - length;
  return { bits: bits >> hostBits, hostBits };
}

/** Returns whether an address lies in one of the networks; one that cannot be read lies in none. */
export function isInside(address: string, networks: readonly Network[]): boolean {
  const bits = parseAddress(address);
  return bits !== null && networks.some((network) => bits >> network.hostBits === network.bits);
}

/** Returns the 128 bits of an address; null when it is none. */
function parseAddress(text: string): bigint | null {
  if (!text.includes(":")) {
    const four = parseFour(text);
    return four === null ? null : MAPPED | four;
  }
  const [head = "", tail, ...rest] = text.split("::");
  if (rest.length > 0) return null;
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  if (before === null || after === null) return null;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const all = [...before, ...Array<bigint>(missing).fill(0n), ...after];
  return all.reduce((bits, group) => (bits << 16n) | group, 0n);
}

function parseFour(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return null;
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

/** Returns the 16-bit groups of one side of `::`; a version 4 address at its end counts as two. */
function groups(text: string): bigint[] | null {
  if (text === "") return [];
  const found: bigint[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const four = index === parts.length - 1 ? parseFour(part) : null;
    if (four !== null) found.push(four >> 16n, four & 0xffffn);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) found.push(BigInt(`0x${part}`));
    else return null;
  }
  return found;
}
