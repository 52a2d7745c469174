// Owns names that no other page chooses. They keep no secret, so they need no more than what every page has: randomUUID() is
// missing in pages that came over http, and in Node 18.

export const uniqueId = (): string =>
  globalThis.crypto?.randomUUID?.() ?? [Date.now(), Math.random(), Math.random()].map((number) => number.toString(36).replace('0.', '')).join('-');
