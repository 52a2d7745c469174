// Behaviour: what is committed arrives, whole and unchanged and with its position; what is rolled back does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clients, withSubscription } from './clients.mjs';
import { inEachMode } from './database.mjs';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';

const position = /^\d+-\d+$/;

inEachMode((mode) => {
  let database, bridge, prefix;
  withBridge({ mode }, (made) => ({ database, bridge, prefix } = made));

  for (const client of clients) {
    test(`${client.name} receives a committed event with its position`, async () => {
      const topic = `${prefix}:${clients.indexOf(client)}`;
      await withSubscription(client, bridge, topic, async (subscription) => {
        await database.emit(topic, 'created', { x: 1 });
        const { payload, meta } = await subscription.arrived('created');
        assert.deepEqual(payload, { x: 1 });
        assert.match(meta.id, position);
      });
    });

    test(`${client.name} receives what follows an event that cannot be sent`, async () => {
      const topic = `${prefix}:skip-${clients.indexOf(client)}`;
      await withSubscription(client, bridge, topic, async (subscription) => {
        await database.emit(topic, 'before', {});
        // Printed, it is longer than any text of PostgreSQL: live.emit() refuses it, an insert does not.
        await database.query(
          `insert into live.event (id, xid, topic, event, payload, slot)
           select nextval('live_private.event_id'), pg_current_xact_id(), $1, 'bomb',
             (select jsonb_agg('1e9999'::jsonb) from generate_series(1, 120000)), 0`,
          [topic],
        );
        await database.emit(topic, 'behind', {});
        await subscription.arrived('behind');
        assert.deepEqual(subscription.names(), ['before', 'behind']);
      });
    });

    test(`${client.name} receives nothing of a transaction that was rolled back`, async () => {
      const topic = `${prefix}:rollback-${clients.indexOf(client)}`;
      await withSubscription(client, bridge, topic, async (subscription) => {
        await database.query('begin');
        await database.emit(topic, 'undone');
        await database.query('rollback');
        await database.emit(topic, 'done');
        await subscription.arrived('done');
        assert.deepEqual(subscription.names(), ['done']);
      });
    });

    test(`${client.name} receives a payload that is not an object`, async () => {
      const topic = `${prefix}:scalar-${clients.indexOf(client)}`;
      await withSubscription(client, bridge, topic, async (subscription) => {
        for (const payload of ['"text"', '[1,2]', '7', 'true', 'null']) await database.emit(topic, 'scalar', payload);
        await database.emit(topic, 'last');
        await subscription.arrived('last');
        assert.deepEqual(
          subscription.events.slice(0, -1).map((event) => event.payload),
          ['text', [1, 2], 7, true, null],
        );
      });
    });
  }

  test('the events of one transaction arrive in the order they were emitted in', async () => {
    const topic = `${prefix}:order`;
    const socket = await RawSocket.open(bridge);
    await socket.join(`realtime:${topic}`);
    await database.query("select live.emit($1, 'n' || n, to_jsonb(n)) from generate_series(1, 500) as n", [topic]);
    await socket.broadcast(`realtime:${topic}`, 'n500');
    const received = socket.broadcasts(`realtime:${topic}`).map((frame) => frame.payload.payload);
    assert.deepEqual(received, Array.from({ length: 500 }, (_, index) => index + 1));
    socket.close();
  });

  test('a topic receives its own events and none of another topic', async () => {
    const socket = await RawSocket.open(bridge);
    await socket.join(`realtime:${prefix}:mine`);
    await database.emit(`${prefix}:min`, 'shorter');
    await database.emit(`${prefix}:mine2`, 'longer');
    await database.emit(`${prefix}:MINE`, 'upper');
    await database.emit(`${prefix}:mine`, 'right');
    await socket.broadcast(`realtime:${prefix}:mine`, 'right');
    assert.equal(socket.frames.filter((frame) => frame.event === 'broadcast').length, 1);
    socket.close();
  });

  test('a topic joined without the realtime: prefix is the same topic', async () => {
    const topic = `${prefix}:bare`;
    const socket = await RawSocket.open(bridge);
    assert.equal((await socket.join(topic)).payload.status, 'ok');
    await database.emit(topic, 'created');
    assert.equal((await socket.broadcast(topic, 'created')).topic, topic);
    socket.close();
  });

  test('a signal arrives too', async () => {
    const topic = `${prefix}:signal`;
    const socket = await RawSocket.open(bridge);
    await socket.join(`realtime:${topic}`);
    await database.emit(topic, 'moved', { x: 1 }, false);
    const frame = await socket.broadcast(`realtime:${topic}`, 'moved');
    assert.deepEqual(frame.payload.payload, { x: 1 });
    socket.close();
  });

  const payloads = {
    'numbers beyond a double': '{"big": 9007199254740993, "bigger": 123456789012345678901234567890, "exact": 1.10}',
    'text of every plane': JSON.stringify({ text: 'grüße \u4f60\u597d \u{1f980} \u2028 "quoted" \\ \t é' }),
    'an event of one megabyte': JSON.stringify({ text: 'ä€🦀x'.repeat(100_000) }),
  };
  for (const vsn of ['1.0.0', '2.0.0']) {
    for (const [what, payload] of Object.entries(payloads)) {
      test(`${what}: the bytes of the database, unchanged, under serializer ${vsn}`, async () => {
        const topic = `${prefix}:bytes`;
        const socket = await RawSocket.open(bridge, { vsn });
        await socket.join(`realtime:${topic}`);
        await database.emit(topic, 'exact', payload);
        const frame = await socket.broadcast(`realtime:${topic}`, 'exact');
        const { rows } = await database.query('select $1::jsonb::text as text', [payload]);
        assert.ok(frame.text.includes(rows[0].text), 'the frame holds the payload as the database prints it');
        socket.close();
      });
    }
  }

  test('names of topics and events need no letters', async () => {
    const topic = `${prefix}: "ö" \\ 🦀`;
    const socket = await RawSocket.open(bridge);
    assert.equal((await socket.join(`realtime:${topic}`)).payload.status, 'ok');
    await database.emit(topic, 'é "quoted" \\', { ok: true });
    const frame = await socket.broadcast(`realtime:${topic}`, 'é "quoted" \\');
    assert.deepEqual(frame.payload.payload, { ok: true });
    socket.close();
  });
});
