// Behaviour: a client that was away asks for what it missed and gets it, in order, without a gap or a repeat.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clients, subscribed } from './clients.mjs';
import { inEachMode } from './database.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { Relay } from './relay.mjs';
import { eventually, startBridge } from './support.mjs';

const names = (socket, topic) => socket.broadcasts(topic).map((frame) => frame.payload.event);

inEachMode((mode) => {
  let database, bridge, prefix;
  withBridge({ mode, topics: { receive: "topic not like '%:secret'" } }, (made) => ({ database, bridge, prefix } = made));

  /** Emits e1 … e<count> and returns a socket that has them all, so that their positions are known. */
  async function withHistory(name, count) {
    const topic = `realtime:${prefix}:${name}`;
    const witness = await RawSocket.open(bridge);
    await witness.join(topic);
    for (let n = 1; n <= count; n++) await database.emit(`${prefix}:${name}`, `e${n}`, { n });
    await witness.broadcast(topic, `e${count}`);
    const positions = witness.broadcasts(topic).map((frame) => frame.payload.meta.id);
    return { topic, witness, positions };
  }

  test('a late committer is delivered, and a client that resumes from before it gets it', async () => {
    const topic = `realtime:${prefix}:late`;
    const socket = await RawSocket.open(bridge);
    await socket.join(topic);
    const late = await database.connect();
    await late.query('begin');
    await late.query("select live.emit($1, 'late', '{}')", [`${prefix}:late`]);
    await database.emit(`${prefix}:late`, 'early');
    const early = await socket.broadcast(topic, 'early');
    assert.deepEqual(names(socket, topic), ['early']);
    await late.query('commit');
    await socket.broadcast(topic, 'late');

    const returned = await RawSocket.open(bridge);
    await returned.join(topic, { config: { resume: early.payload.meta.id } });
    await database.emit(`${prefix}:late`, 'live');
    await returned.broadcast(topic, 'live');
    assert.deepEqual(names(returned, topic), ['late', 'live']);
    socket.close();
    returned.close();
  });

  test('what was missed comes first and in order, then live; positions are those of the first delivery', async () => {
    const { topic, witness, positions } = await withHistory('middle', 10);
    const returned = await RawSocket.open(bridge);
    await returned.join(topic, { config: { resume: positions[4] } });
    await database.emit(`${prefix}:middle`, 'live');
    await returned.broadcast(topic, 'live');
    assert.deepEqual(names(returned, topic), ['e6', 'e7', 'e8', 'e9', 'e10', 'live']);
    const replayed = returned.broadcasts(topic).slice(0, 5).map((frame) => frame.payload.meta.id);
    assert.deepEqual(replayed, positions.slice(5));
    witness.close();
    returned.close();
  });

  test('resuming within a batch continues within it', async () => {
    const topic = `realtime:${prefix}:batch`;
    const witness = await RawSocket.open(bridge);
    await witness.join(topic);
    await database.query("select live.emit($1, 'e' || n, '{}') from generate_series(1, 5) as n", [`${prefix}:batch`]);
    const third = await witness.broadcast(topic, 'e3');
    const returned = await RawSocket.open(bridge);
    await returned.join(topic, { config: { resume: third.payload.meta.id } });
    await returned.broadcast(topic, 'e5');
    assert.deepEqual(names(returned, topic), ['e4', 'e5']);
    witness.close();
    returned.close();
  });

  test('resuming while events flow loses none and repeats none', async () => {
    const topic = `realtime:${prefix}:seam`;
    const total = 400;
    const witness = await RawSocket.open(bridge);
    await witness.join(topic);
    const writer = await database.connect();
    const writing = (async () => {
      for (let n = 1; n <= total; n++) await writer.query("select live.emit($1, 'e' || $2, '{}')", [`${prefix}:seam`, String(n)]);
    })();
    const first = await witness.broadcast(topic, 'e1');
    const received = ['e1'];
    let position = first.payload.meta.id;
    while (received.at(-1) !== `e${total}`) {
      const socket = await RawSocket.open(bridge);
      await socket.join(topic, { config: { resume: position } });
      await eventually('something more arrives', () => socket.broadcasts(topic).length > 0);
      const frames = socket.broadcasts(topic);
      socket.close();
      received.push(...frames.map((frame) => frame.payload.event));
      position = frames.at(-1).payload.meta.id;
    }
    await writing;
    assert.deepEqual(received, Array.from({ length: total }, (_, index) => `e${index + 1}`));
    witness.close();
  });

  test('more than one page of events is replayed whole', async () => {
    const { topic, witness, positions } = await withHistory('pages', 1);
    const total = 3500;
    await database.query("select live.emit($1, 'n' || n, '{}') from generate_series(1, $2::integer) as n", [`${prefix}:pages`, total]);
    await witness.broadcast(topic, `n${total}`);
    const returned = await RawSocket.open(bridge);
    await returned.join(topic, { config: { resume: positions[0] } });
    await returned.broadcast(topic, `n${total}`);
    assert.deepEqual(names(returned, topic), Array.from({ length: total }, (_, index) => `n${index + 1}`));
    witness.close();
    returned.close();
  });

  test('more than one connection may have waiting is replayed whole, to a client that reads', async () => {
    const { topic, witness, positions } = await withHistory('large', 1);
    witness.close();
    const total = 150;
    const text = 'select live.emit($1, $2, to_jsonb(repeat($3, 100000)))';
    for (let n = 1; n <= total; n++) await database.query(text, [`${prefix}:large`, `n${n}`, 'x']);
    const returned = await RawSocket.open(bridge);
    await returned.join(topic, { config: { resume: positions[0] } });
    await eventually('all of it arrives', () => {
      assert.equal(returned.closed, null);
      return returned.broadcasts(topic).length === total;
    });
    assert.deepEqual(names(returned, topic), Array.from({ length: total }, (_, index) => `n${index + 1}`));
    returned.close();
  });

  test('a bridge that is killed and started again: the client gets what happened meanwhile', async () => {
    const victim = await startBridge(database);
    const topic = `realtime:${prefix}:killed`;
    const before = await RawSocket.open(victim);
    await before.join(topic);
    await database.emit(`${prefix}:killed`, 'before');
    const { payload } = await before.broadcast(topic, 'before');
    await victim.stop('SIGKILL');
    await before.untilClosed();
    await database.emit(`${prefix}:killed`, 'meanwhile');
    const successor = await startBridge(database, { port: victim.port, secret: victim.secret });
    const returned = await RawSocket.open(successor);
    await returned.join(topic, { config: { resume: payload.meta.id } });
    await database.emit(`${prefix}:killed`, 'after');
    await returned.broadcast(topic, 'after');
    assert.deepEqual(names(returned, topic), ['meanwhile', 'after']);
    returned.close();
    await successor.stop();
  });

  test('at a bridge that is behind, nothing comes again that the client had at another one', async () => {
    const topic = `realtime:${prefix}:behind`;
    const relay = await Relay.before({ port: database.server.port });
    const listening = database.bridgeConninfo.replace(/port=\d+/, `port=${relay.port}`);
    const behind = await startBridge(database, { secret: bridge.secret, flags: ['--listen-db', listening] });
    const before = await RawSocket.open(bridge);
    await before.join(topic);
    relay.breakAllSilently('both');
    await database.emit(`${prefix}:behind`, 'signal', {}, false);
    await database.emit(`${prefix}:behind`, 'durable');
    const { payload } = await before.broadcast(topic, 'durable');
    const returned = await RawSocket.open(behind);
    assert.equal((await returned.join(topic, { config: { resume: payload.meta.id } })).payload.response.resume, 'ok');
    relay.heal();
    await database.emit(`${prefix}:behind`, 'next signal', {}, false);
    await database.emit(`${prefix}:behind`, 'next');
    await returned.broadcast(topic, 'next');
    assert.deepEqual(names(returned, topic), ['next signal', 'next']);
    for (const socket of [before, returned]) socket.close();
    await behind.stop();
    relay.close();
  });

  test('signals are not kept: a resume brings the durable events alone', async () => {
    const { topic, witness, positions } = await withHistory('signals', 1);
    await database.emit(`${prefix}:signals`, 'signal', {}, false);
    await database.emit(`${prefix}:signals`, 'durable');
    await witness.broadcast(topic, 'durable');
    const returned = await RawSocket.open(bridge);
    await returned.join(topic, { config: { resume: positions[0] } });
    await returned.broadcast(topic, 'durable');
    assert.deepEqual(names(returned, topic), ['durable']);
    witness.close();
    returned.close();
  });

  for (const resume of ['x', '1', '-1-1', '1-2-3', '99999999999999999999-1', '1-1; drop table live.event', '9'.repeat(300)]) {
    test(`a client whose position is none (${resume.slice(0, 30)}) is told that its place is lost, and hears what comes`, async () => {
      const topic = `realtime:${prefix}:odd`;
      const socket = await RawSocket.open(bridge);
      const { payload } = await socket.join(topic, { config: { resume } });
      assert.equal(payload.status, 'ok');
      assert.equal(payload.response.resume, 'lost');
      const { payload: system } = await socket.frame('a system message', (frame) => frame.event === 'system');
      assert.equal(system.status, 'error');
      assert.match(system.message, /position/);
      await database.emit(`${prefix}:odd`, 'marker');
      await socket.broadcast(topic, 'marker');
      assert.deepEqual(names(socket, topic), ['marker']);
      socket.close();
    });
  }

  for (const resume of ['', null, 7, {}, []]) {
    test(`a position of another type (${JSON.stringify(resume)}) is none that was asked for`, async () => {
      const topic = `realtime:${prefix}:types`;
      const socket = await RawSocket.open(bridge);
      assert.equal((await socket.join(topic, { config: { resume } })).payload.status, 'ok');
      await database.emit(`${prefix}:types`, 'marker');
      await socket.broadcast(topic, 'marker');
      socket.close();
    });
  }

  test('a resume gives nothing to who may not receive', async () => {
    await database.emit(`${prefix}:secret`, 'hidden');
    const socket = await RawSocket.open(bridge);
    const topic = `realtime:${prefix}:secret`;
    const { payload } = await socket.join(topic, { config: { resume: '0-0', broadcast: { replay: { since: 0 } } } });
    assert.match(payload.response.reason, /permission/);
    assert.ok(await socket.answers());
    assert.deepEqual(names(socket, topic), []);
    socket.close();
  });

  for (const client of clients.filter(({ name }) => name.startsWith('realtime-js'))) {
    test(`${client.name} asks for a replay: the newest events since then, oldest first, marked as replayed`, async () => {
      const { witness } = await withHistory(`replay-${clients.indexOf(client)}`, 5);
      const topic = `${prefix}:replay-${clients.indexOf(client)}`;
      const replay = { since: Date.now() - 3_600_000, limit: 2 };
      const subscription = await subscribed(client, bridge, topic, { config: { broadcast: { replay } } });
      await database.emit(topic, 'live');
      await subscription.arrived('live');
      assert.deepEqual(subscription.names(), ['e4', 'e5', 'live']);
      assert.deepEqual(subscription.events.map(({ meta }) => meta.replayed ?? false), [true, true, false]);
      witness.close();
      await subscription.close();
    });
  }

  test('a replay that cannot be read in time is answered with an error, and the bridge goes on', async () => {
    const { topic, witness, positions } = await withHistory('untold', 1);
    const impatient = await startBridge(database, { flags: ['--statement-timeout', '1'] });
    const app = await database.connect();
    await app.query('begin; lock table live.event in access exclusive mode');
    const socket = await RawSocket.open(impatient);
    try {
      const { payload } = await socket.join(topic, { config: { resume: positions[0] } });
      assert.match(payload.response.reason, /57014/);
      assert.equal(payload.response.code, '57014');
      assert.ok(await socket.answers());
    } finally {
      await app.query('rollback');
    }
    assert.equal((await socket.join(topic, { ref: '2', config: { resume: positions[0] } })).payload.response.resume, 'ok');
    assert.equal(impatient.exit, null);
    witness.close();
    socket.close();
    await impatient.stop();
  });

  for (const [what, replay, expected] of [
    ['since the beginning of time, as many as can be counted', { since: 0, limit: Number.MAX_SAFE_INTEGER }, ['e1', 'e2', 'e3', 'live']],
    ['since long before the oldest kept', { since: 1, limit: 1 }, ['e3', 'live']],
    ['since tomorrow', { since: Date.now() + 86_400_000 }, ['live']],
    ['since the last moment a timestamp has', { since: 253_402_300_799_999, limit: 1 }, ['live']],
    ['of the newest alone, without a time', { limit: 2 }, ['e2', 'e3', 'live']],
  ]) {
    test(`a replay ${what} brings ${expected.join(', ')}`, async () => {
      const name = `bounds-${expected.length}-${what.length}`;
      const { topic, witness } = await withHistory(name, 3);
      const socket = await RawSocket.open(bridge);
      assert.equal((await socket.join(topic, { config: { broadcast: { replay } } })).payload.status, 'ok');
      await database.emit(`${prefix}:${name}`, 'live');
      await socket.broadcast(topic, 'live');
      assert.deepEqual(names(socket, topic), expected);
      witness.close();
      socket.close();
    });
  }

  test('a replay since now brings nothing old', async () => {
    const { topic, witness } = await withHistory('since', 2);
    const { rows } = await database.query("select ceil(extract(epoch from clock_timestamp()) * 1000)::bigint as since");
    const socket = await RawSocket.open(bridge);
    await socket.join(topic, { config: { broadcast: { replay: { since: Number(rows[0].since) } } } });
    await database.emit(`${prefix}:since`, 'live');
    await socket.broadcast(topic, 'live');
    assert.deepEqual(names(socket, topic), ['live']);
    witness.close();
    socket.close();
  });
});
