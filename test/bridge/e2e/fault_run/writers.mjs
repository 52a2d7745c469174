// Owns the writers: transactions at a steady rate, a tenth of them rolled back, some of them open for seconds. What was
// committed is known from a ledger that is written in the same transactions, also where the answer to a commit was lost.
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../support.mjs';

const quickWriters = 6;
const lateWriters = 4;
const eventsOfOne = 3;

export class Writers {
  #tags = 0;
  #isStopped = false;
  #running = [];

  /** `rate`: events a second of all writers together; `topics`: function that returns a topic at random. */
  constructor(database, { rate, topic, random, ledger }) {
    Object.assign(this, { database, rate, topic, random, ledger });
  }

  start() {
    const quick = Array.from({ length: quickWriters }, () => this.#write(() => 0, quickWriters));
    const late = Array.from({ length: lateWriters }, () => this.#write(() => 200 + this.random(5000), 0));
    this.#running = [...quick, ...late];
  }

  async stop() {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  /** Emits one durable event, in a transaction of its own. */
  async emit(connection, topic, isDurable = true) {
    const tag = ++this.#tags;
    const payload = { tag, topic, at: Date.now(), filler: 'x'.repeat(this.random(20) === 0 ? 5000 : 100) };
    await connection.query(`insert into ${this.ledger} select $1, $2 where $3`, [tag, topic, isDurable]);
    await connection.query('select live.emit($1, $2, $3, $4)', [topic, 'e', payload, isDurable]);
  }

  async committed() {
    const { rows } = await this.database.query(`select topic, array_agg(tag) as tags from ${this.ledger} group by topic`);
    return new Map(rows.map(({ topic, tags }) => [topic, new Set(tags)]));
  }

  /** One writer: `openFor()` says for how many milliseconds its next transaction stays open; `sharers` share the rate. */
  async #write(openFor, sharers) {
    let connection = await this.database.connect();
    let due = Date.now();
    while (!this.#isStopped) {
      const count = 1 + this.random(2 * eventsOfOne - 1);
      try {
        await this.#transaction(connection, count, openFor());
      } catch {
        connection.end().catch(() => {});
        connection = await eventually('a writer is connected again', () => this.database.connect());
        due = Date.now();
      }
      due = Math.max(due, Date.now() - 1000) + (sharers ? (count * sharers * 1000) / this.rate : 0);
      await pause(Math.max(0, due - Date.now()));
    }
  }

  async #transaction(connection, count, milliseconds) {
    await connection.query('begin');
    for (let number = 0; number < count; number++) {
      await this.emit(connection, this.topic(), this.random(10) > 0);
      if (number === 0 && milliseconds > 0) await pause(milliseconds);
    }
    await connection.query(this.random(10) === 0 ? 'rollback' : 'commit');
  }
}
