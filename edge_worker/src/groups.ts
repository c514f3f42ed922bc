/** Putting things together into groups that are not too large. */

export interface Most {
  readonly count: number;
  readonly bytes: number;
}

/** Returns the items in their order, in groups of at most so many and so many bytes; what is larger stands alone. */
export function grouped<T>(items: readonly T[], most: Most, bytesOf: (item: T) => number): T[][] {
  const groups: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    const last = groups.at(-1);
    if (last && last.length < most.count && bytes + bytesOf(item) <= most.bytes) {
      last.push(item);
      bytes += bytesOf(item);
    } else {
      groups.push([item]);
      bytes = bytesOf(item);
    }
  }
  return groups;
}
