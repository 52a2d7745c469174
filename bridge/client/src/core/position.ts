// Owns the order of positions, `<batch>-<event id>`. Both parts are 64-bit numbers, more than a double can hold, so
// they are compared as BigInt. The position of a snapshot goes on with `@` and what it sees of transactions whose events are not
// published yet: those events stand after it here, though the snapshot may have what they tell. To all others a position is opaque.

/** True if position `left` stands after position `right`. A text that is no position stands after every position. */
export function isAfter(left: string, right: string): boolean {
  const a = parse(left);
  const b = parse(right);
  if (a === null || b === null) return true;
  return a.batch !== b.batch ? a.batch > b.batch : a.id > b.id;
}

function parse(position: string): { batch: bigint; id: bigint } | null {
  const match = /^(\d+)-(\d+)(?:@|$)/.exec(position);
  return match ? { batch: BigInt(match[1]!), id: BigInt(match[2]!) } : null;
}
