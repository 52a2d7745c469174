// Owns what is known of the events: which were committed, what each client received, and what of it was wrong.
// Invariant: an event that was delivered to two clients has the same position with both.
export class Judge {
  #positions = new Map(); // of each durable event
  violations = [];
  received = 0;
  repliesWithReason = new Map();
  recoveries = []; // milliseconds from the loss of a connection or a channel until all channels are joined again
  delays = []; // milliseconds from an event's emission to its arrival

  blame(who, what) {
    this.violations.push(`${who}: ${what}`);
  }

  /** A durable event with its position arrived where it belongs. */
  note(who, { tag, at }, position) {
    this.received += 1;
    this.delays.push(Date.now() - at);
    const known = this.#positions.get(tag);
    if (known === undefined) this.#positions.set(tag, position);
    else if (known !== position) this.blame(who, `event ${tag} has the positions ${known} and ${position}`);
  }

  noteRefusal(code) {
    this.repliesWithReason.set(code, (this.repliesWithReason.get(code) ?? 0) + 1);
  }

  /** Compares what a client received on a topic with what was committed there. */
  compare(who, topic, received, committed) {
    const had = new Set(received);
    if (had.size !== received.length) this.blame(who, `${received.length - had.size} events of ${topic} came twice`);
    const missing = [...committed].filter((tag) => !had.has(tag));
    const foreign = received.filter((tag) => !committed.has(tag));
    if (missing.length > 0) this.blame(who, `${missing.length} events of ${topic} are missing: ${missing.slice(0, 5)}`);
    if (foreign.length > 0) this.blame(who, `${foreign.length} events of ${topic} were not committed: ${foreign.slice(0, 5)}`);
  }
}

/** The shares of `values` in the form "p50 1 ms, p95 2 ms, max 3 ms". */
export function quantiles(values) {
  const sorted = Float64Array.from(values).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return sorted.length === 0 ? 'none' : `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${sorted.at(-1)} ms of ${sorted.length}`;
}
