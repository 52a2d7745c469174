// Behaviour: a bridge that is asked to stop, shared by several processes, or read too slowly lets its clients go with a
// code that brings them back, and keeps serving the others.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { clients, subscribed } from './clients.mjs';
import { openDatabase } from './database.mjs';
import { withDatabase } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, startBridge } from './support.mjs';
import { connectTcp } from './tcp-socket.mjs';

describe('a bridge', () => {
  let database, prefix;
  withDatabase({}, (made) => ({ database, prefix } = made));

  test('that is asked to stop closes with 1012, ends with status 0 and leaves nothing in the database', async () => {
    const bridge = await startBridge(database);
    const socket = await RawSocket.open(bridge);
    await socket.join(`realtime:${prefix}:stop`);
    const { rows } = await database.query("select count(*)::integer as before from pg_stat_activity where usename = 'live_bridge'");
    assert.ok(rows[0].before > 0);
    const exit = await bridge.stop();
    assert.deepEqual(exit, { code: 0, signal: null }, bridge.log);
    assert.equal((await socket.untilClosed()).code, 1012);
  });

  test('that is asked to stop lets many clients go one after another, serves those that still wait, and ends when its time is over', async () => {
    const bridge = await startBridge(database, { flags: ['--drain-timeout', '4', '--close-timeout', '1'] });
    const topic = `realtime:${prefix}:drained`;
    const users = Array.from({ length: 300 }, (_, number) => `${prefix}-${number}`);
    const sockets = await Promise.all(users.map((sub) => RawSocket.open(bridge, { token: bridge.token({ sub }) })));
    await Promise.all(sockets.map((socket) => socket.join(topic)));
    const silent = await connectTcp(bridge); // a request that never comes would hold it up
    const stopped = bridge.stop();
    await eventually('some were let go', () => sockets.some((socket) => socket.closed));
    const later = sockets.filter((socket) => !socket.closed);
    assert.ok(later.length > 0, 'not all at once');
    await Promise.all(sockets.map((socket) => socket.untilClosed()));
    assert.ok(sockets.every((socket) => socket.closed.code === 1012));
    assert.deepEqual(await stopped, { code: 0, signal: null }, bridge.log);
    silent.destroy();
    await eventually('nobody is left in the database', async () =>
      (await database.query('select 1 from live.connection where user_id = any ($1)', [users])).rowCount === 0);
  });

  for (const [what, conninfo] of Object.entries({
    'a URI that is cut off': 'postgres://live_bridge:hunter2@[::1',
    'a URI with half an escape': 'postgres://live_bridge:hunter2%@127.0.0.1/postgres',
    'a password with a space and no quotes': 'host=127.0.0.1 password=my hunter2 dbname=postgres',
  })) {
    test(`whose connection string is ${what} ends with status 2, and does not tell the password`, async () => {
      for (const flag of ['--db', '--listen-db']) {
        const bridge = await startBridge(database, { flags: [flag, conninfo], isUp: (started) => eventually('it ends', () => started.exit) });
        await eventually('it says why', () => bridge.log.includes(flag));
        assert.deepEqual(bridge.exit, { code: 2, signal: null }, bridge.log);
        assert.ok(!bridge.log.includes('hunter2'), bridge.log);
      }
    });
  }

  describe('that is replaced', { concurrency: clients.length }, () => {
    for (const client of clients) {
      test(`that is replaced is found again by ${client.name}, which joins its topics again`, async () => {
        const topic = `${prefix}:replaced-${clients.indexOf(client)}`;
        const first = await startBridge(database);
        const subscription = await subscribed(client, first, topic);
        await first.stop();
        const second = await startBridge(database, { port: first.port, secret: first.secret });
        await eventually('an event arrives through the second bridge', async () => {
          await database.emit(topic, 'ping');
          return subscription.names().includes('ping');
        });
        await subscription.close();
        await second.stop();
      });
    }
  });

  test('of several processes serves every connection, whichever process took it', async () => {
    const bridge = await startBridge(database, { flags: ['--workers', '3'] });
    const topic = `realtime:${prefix}:workers`;
    const sockets = await Promise.all(Array.from({ length: 30 }, () => RawSocket.open(bridge)));
    await Promise.all(sockets.map((socket) => socket.join(topic)));
    await database.emit(`${prefix}:workers`, 'to all');
    await Promise.all(sockets.map((socket) => socket.broadcast(topic, 'to all')));
    for (const socket of sockets) assert.equal(socket.broadcasts(topic).length, 1);
    assert.deepEqual(await bridge.stop(), { code: 0, signal: null }, bridge.log);
    await Promise.all(sockets.map((socket) => socket.untilClosed()));
  });

  test('of several processes outlives one of them that ends again and again, and replaces it', async () => {
    const bridge = await startBridge(database, { flags: ['--workers', '2'] });
    const processes = async () => (await readFile(`/proc/${bridge.pid}/task/${bridge.pid}/children`, 'utf8')).split(' ').filter(Boolean);
    const [first, second] = await processes();
    await eventually('a process has lasted', async () => {
      const [started, uptime] = await Promise.all([readFile(`/proc/${second}/stat`, 'utf8'), readFile('/proc/uptime', 'utf8')]);
      return Number(uptime.split(' ')[0]) - Number(started.split(') ')[1].split(' ')[19]) / 100 > 3;
    });
    let victim = first;
    for (let times = 0; times < 3; times++) {
      process.kill(Number(victim), 'SIGKILL');
      victim = await eventually('it is replaced', async () => (await processes()).find((each) => each !== second && each !== victim));
    }
    await bridge.ready();
    assert.ok((await processes()).includes(second));
    assert.deepEqual(await bridge.stop(), { code: 0, signal: null }, bridge.log);
  });

  test('with few descriptors answers probes and serves clients while sockets that say nothing take all the rest', async () => {
    const own = await openDatabase('in-transaction'); // others have bridges at the shared one, whose connections are not to be cut
    const topics = await own.topics();
    const bridge = await startBridge(own, { launcher: ['prlimit', '--nofile=200:200', '--'] });
    assert.match(bridge.log, /"connections":\d\d,"limit_connections":100000/);
    const idle = await Promise.all(Array.from({ length: 400 }, () => connectTcp(bridge)));
    for (const path of ['/healthz', '/readyz']) assert.equal((await fetch(`${bridge.url}${path}`)).status, 200);
    const socket = await RawSocket.open(bridge);
    await socket.join(`realtime:${topics}:few`);
    const { rowCount } = await own.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'live_bridge' and datname = current_database()");
    assert.ok(rowCount > 0);
    await own.emit(`${topics}:few`, 'after the database is back');
    await socket.broadcast(`realtime:${topics}:few`, 'after the database is back');
    for (const each of [...idle.map((tcp) => tcp.socket), socket.socket]) each.destroy?.() ?? each.terminate();
    await bridge.stop();
    await own.close();
  });

  test('stops in good order when it cannot accept, for want of descriptors, what has come meanwhile', async () => {
    const bridge = await startBridge(database, { flags: ['--close-timeout', '1'] });
    const slow = await RawSocket.open(bridge); // reads nothing, so that the bridge waits for it as it stops
    slow.socket.pause();
    const limit = async (files) => assert.equal((await once(spawn('prlimit', ['--pid', String(bridge.pid), `--nofile=${files}:`]), 'exit'))[0], 0);
    await limit(3);
    const waiting = await connectTcp(bridge);
    await eventually('the bridge cannot accept', () => /could not accept/.test(bridge.log));
    assert.deepEqual(await bridge.stop(), { code: 0, signal: null });
    waiting.destroy();
    slow.close();
  });

  test('without room for more connections still answers probes', async () => {
    const bridge = await startBridge(database, { flags: ['--limit-connections', '1'] });
    const socket = await RawSocket.open(bridge);
    await assert.rejects(RawSocket.open(bridge), { status: 429 });
    for (const path of ['/healthz', '/readyz']) assert.equal((await fetch(`${bridge.url}${path}`)).status, 200);
    socket.close();
    await bridge.stop();
  });

  test('lets a client go that does not read, keeps the others, and the slow one can resume', async () => {
    const bridge = await startBridge(database, { flags: ['--limit-queue-bytes', '300000', '--close-timeout', '1'] });
    const topic = `realtime:${prefix}:slow`;
    const [slow, neighbour] = [await RawSocket.open(bridge), await RawSocket.open(bridge)];
    await Promise.all([slow.join(topic), neighbour.join(topic)]);
    await database.emit(`${prefix}:slow`, 'first');
    const { payload } = await slow.broadcast(topic, 'first');
    slow.socket.pause();
    let sent = 0;
    await eventually('the bridge gives the slow reader up', async () => {
      await database.query("select live.emit($1, $2, to_jsonb(repeat('x', 50000)))", [`${prefix}:slow`, `n${++sent}`]);
      await neighbour.broadcast(topic, `n${sent}`);
      return /reads too slowly/.test(bridge.log);
    });
    assert.deepEqual(neighbour.broadcasts(topic).length, sent + 1);
    slow.socket.resume();
    assert.ok([1013, 1006].includes((await slow.untilClosed()).code));
    const returned = await RawSocket.open(bridge);
    await returned.join(topic, { config: { resume: payload.meta.id } });
    await returned.broadcast(topic, `n${sent}`);
    assert.equal(returned.broadcasts(topic).length, sent);
    for (const socket of [neighbour, returned]) socket.close();
    await bridge.stop();
  });

  test('keeps a client that answers pings and sends nothing, beyond the idle limit', async () => {
    const bridge = await startBridge(database, { flags: ['--idle-timeout', '3', '--ping-interval', '1'] });
    const socket = await RawSocket.open(bridge);
    await socket.join(`realtime:${prefix}:quiet`);
    let pings = 0;
    socket.socket.on('ping', () => (pings += 1)); // ws answers by itself
    await eventually('five pings, a second each, are answered', () => socket.closed || pings >= 5);
    assert.equal(socket.closed, null);
    socket.close();
    await bridge.stop();
  });

  test('closes a client that answers no ping', async () => {
    const bridge = await startBridge(database, { flags: ['--idle-timeout', '2', '--ping-interval', '1'] });
    const socket = await RawSocket.open(bridge, { options: { autoPong: false } });
    await socket.join(`realtime:${prefix}:mute`);
    assert.equal((await socket.untilClosed()).code, 1001);
    await bridge.stop();
  });

  test('whose limit of connections is reached refuses the next one and serves it when there is room', async () => {
    const bridge = await startBridge(database, { flags: ['--limit-connections-by-user', '2'] });
    const open = [await RawSocket.open(bridge), await RawSocket.open(bridge)];
    await assert.rejects(RawSocket.open(bridge), { status: 429 });
    const other = await RawSocket.open(bridge, { token: bridge.token({ sub: 'ben' }) });
    open[0].close();
    const third = await eventually('there is room again', () => RawSocket.open(bridge));
    for (const socket of [open[1], other, third]) socket.close();
    await bridge.stop();
  });

  test('whose limit of topics is reached refuses the next one and keeps those joined', async () => {
    const bridge = await startBridge(database, { flags: ['--limit-topics-by-socket', '2'] });
    const socket = await RawSocket.open(bridge);
    for (const n of [1, 2]) assert.equal((await socket.join(`realtime:${prefix}:topic-${n}`, { ref: `${n}` })).payload.status, 'ok');
    const { payload } = await socket.join(`realtime:${prefix}:topic-3`, { ref: '3' });
    assert.equal(payload.status, 'error');
    assert.match(payload.response.reason, /ChannelRateLimitReached/);
    assert.equal(payload.response.code, '53400');
    await database.emit(`${prefix}:topic-1`, 'still here');
    await socket.broadcast(`realtime:${prefix}:topic-1`, 'still here');
    socket.close();
    await bridge.stop();
  });
});
