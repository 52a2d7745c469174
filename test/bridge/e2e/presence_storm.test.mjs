// Behaviour: after a storm of random actions by many clients over two bridges, whose connections to the database are cut
// now and then, the database has what each client asked for last and nothing else, and every client knows exactly that;
// others see nothing of those who are invisible.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clients } from './clients.mjs';
import { withDatabase } from './fixture.mjs';
import { eventually, randomFrom, startBridge, uniqueName } from './support.mjs';

const actions = Number(process.env.STORM_ACTIONS ?? 5000);
const seed = Number(process.env.STORM_SEED ?? Date.now() % 1_000_000);
const crowd = 50;
const users = 20; // several clients of one user
const rooms = 3;
const secret = uniqueName('secret').padEnd(40, 'x');

class Visitor {
  constructor(number, bridges, topics) {
    Object.assign(this, { number, bridges, topics, random: randomFrom(seed * 100 + number), user: `u${number % users}`, wish: null });
  }

  async enter() {
    const bridge = this.bridges[this.random(2)];
    this.connection = clients[this.number % 3].connect(bridge, bridge.token({ sub: this.user }));
    this.room = `${this.topics}:${this.number % rooms}`;
    await this.join();
  }

  async join() {
    this.subscription = this.connection.subscribe(this.room, { presence: { key: this.user, enabled: true } });
    await this.subscription.reported('SUBSCRIBED');
  }

  joined() {
    return eventually(`client ${this.number} has joined`, () => this.subscription.channel.state === 'joined');
  }

  /** What the client wants to be tracked as is the meta of its last track() that was not refused; null: not at all. */
  async track(meta) {
    const before = this.wish;
    this.wish = meta;
    if ((await this.subscription.track(meta)) !== 'ok' && this.wish === meta) this.wish = before;
  }

  async act(database) {
    const dice = this.random(100);
    if (dice < 57) return this.track({ n: this.random(1000), by: this.number });
    if (dice < 60) return this.track({ by: this.number, deep: [[[[[[[[1]]]]]]]] });
    if (dice < 80) {
      this.wish = null;
      return this.subscription.untrack();
    }
    if (dice < 88) return database.as(this.user, `live.update_presence('${['auto', 'invisible', 'busy'][this.random(3)]}')`);
    if (dice < 94) {
      this.wish = null;
      await this.subscription.leave();
      return this.join();
    }
    if (dice < 96) {
      this.wish = null; // realtime-js does not track again by itself
      this.connection.breakOff();
      await eventually('the client has noticed', () => this.subscription.channel.state !== 'joined');
      return this.joined();
    }
    if (dice < 97) {
      this.wish = null;
      if (this.random(2)) this.subscription.track({ n: -3, by: this.number });
      await this.connection.close();
      return this.enter();
    }
    if (dice < 98 && this.number === 0) {
      return database.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pg-live-bridge own' and datname = current_database()`);
    }
    // Two at once: the last one counts.
    return Promise.all([this.track({ n: -1, by: this.number }), this.track({ n: -2, by: this.number })]);
  }
}

let database, bridges;
withDatabase({ cluster: ["pg_live.grace_period = '2s'"] }, async ({ closeLater, ...made }) => {
  ({ database } = made);
  bridges = await Promise.all([1, 2].map(async () => closeLater(await startBridge(database, { secret }))));
});

test(`${actions} actions of ${crowd} clients over two bridges (seed ${seed})`, async () => {
  const topics = await database.topics();
  const visitors = Array.from({ length: crowd }, (_, number) => new Visitor(number, bridges, topics));
  try {
    await Promise.all(visitors.map((visitor) => visitor.enter()));
    await Promise.all(
      visitors.map(async (visitor) => {
        for (let i = 0; i < actions / crowd; i++) await visitor.act(database);
      }),
    );
    const byNumber = (one, other) => one.by - other.by;
    await eventually('the database has what the clients asked for last, and nothing else', async () => {
      const { rows } = await database.query('select meta from live.channel_presence');
      assert.deepEqual(rows.map(({ meta }) => meta).sort(byNumber), visitors.map(({ wish }) => wish).filter(Boolean).sort(byNumber));
      return true;
    });
    await eventually('all clients know what the database says', async () => {
      for (const visitor of visitors) {
        assert.deepEqual(visitor.subscription.members(), await database.channelMembers(visitor.room, visitor.user), `client ${visitor.number}`);
      }
      return true;
    });
    const { rows } = await database.query('select count(*)::integer as members, count(*) filter (where hidden)::integer as hidden from live.channel_presence');
    assert.ok(rows[0].members > 0 && rows[0].hidden > 0, `the storm leaves members, some of them hidden: ${JSON.stringify(rows[0])}`);
  } finally {
    await Promise.all(visitors.map((visitor) => visitor.connection?.close()));
  }
});
