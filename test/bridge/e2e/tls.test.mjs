// Behaviour: at its encrypted port the bridge does for clients what it does at the plain one, with a certificate that it
// reads again, and those who only begin to speak keep nobody out.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { describe, test } from 'node:test';
import { CertificateFolder, startEncrypted } from './certificate.mjs';
import { clients, subscribed } from './clients.mjs';
import { withDatabase } from './fixture.mjs';
import { RawSocket, userBroadcastPush } from './raw-socket.mjs';
import { eventually, uniqueName } from './support.mjs';
import { connectTcp } from './tcp-socket.mjs';

/** One HTTPS request that checks the certificate: {status, headers, text}. */
function ask(bridge, path, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, bridge.url), { method, headers, ca: bridge.ca, agent: false }, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(pieces).toString() }));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** The subject of the certificate that a new connection is shown. */
function subjectShown(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** What `openssl s_client` prints of a handshake, and how it ended. */
function sClient(port, ...given) {
  return new Promise((resolve) => {
    const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...given], { stdio: ['pipe', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (text += piece));
    child.stdin.end();
    child.on('close', (code) => resolve({ code, text }));
  });
}

describe('an encrypted port', () => {
  let database, prefix, plain, secure, port, metrics;
  const closeLater = withDatabase({}, async (made) => {
    ({ database, prefix } = made);
    ({ plain, secure, port, metrics } = await startEncrypted(database, made.closeLater));
  });
  const wire = (topic) => `realtime:${prefix}:${topic}`;

  for (const client of clients) {
    test(`serves ${client.name}`, async () => {
      const topic = uniqueName('met');
      const subscription = closeLater(await subscribed(client, secure, `${prefix}:${topic}`, { config: { broadcast: { ack: true } } }));
      await database.emit(`${prefix}:${topic}`, 'from_sql', { n: 1 });
      await subscription.arrived('from_sql');
      assert.equal(await subscription.send('from_client', { a: 1 }), 'ok');
    });
  }

  test('answers each kind of HTTP request, and bodies that take many records', async () => {
    const authorization = { authorization: `Bearer ${secure.token()}`, 'content-type': 'application/json' };
    assert.equal((await ask(secure, '/healthz')).status, 200);
    assert.equal((await ask(secure, '/readyz')).status, 200);
    assert.equal((await ask(secure, '/no-such-path')).status, 404);
    assert.equal((await ask(secure, '/api/presence/online')).status, 401);
    assert.equal((await ask(secure, '/api/presence/online', { headers: authorization })).status, 200);
    const payload = 'x'.repeat(200_000);
    const body = JSON.stringify({ messages: [{ topic: `${prefix}:posted`, event: 'posted', payload: { payload }, private: true }] });
    const socket = await RawSocket.open(plain);
    await socket.join(wire('posted'));
    assert.equal((await ask(secure, '/realtime/v1/api/broadcast', { method: 'POST', headers: authorization, body })).status, 202);
    assert.equal((await socket.broadcast(wire('posted'), 'posted')).payload.payload.payload, payload);
    socket.close();
  });

  test('carries an event of four megabytes whole, and messages of clients that take many records', async () => {
    const [socket, other] = [await RawSocket.open(secure), await RawSocket.open(plain)];
    for (const each of [socket, other]) await each.join(wire('large'));
    await database.query("select live.emit($1, 'large', to_jsonb(repeat('0123456789', 400000)))", [`${prefix}:large`]);
    assert.equal((await socket.broadcast(wire('large'), 'large')).payload.payload, '0123456789'.repeat(400_000));
    const payload = 'y'.repeat(200_000);
    socket.sendRaw(userBroadcastPush({ joinRef: '1', ref: '2', topic: wire('large'), event: 'sent', payload: { payload } }));
    assert.equal((await other.broadcast(wire('large'), 'sent')).payload.payload.payload, payload);
    for (const each of [socket, other]) each.close();
  });

  test('keeps the order of many small events', async () => {
    const socket = await RawSocket.open(secure);
    await socket.join(wire('ordered'));
    for (let round = 0; round < 20; round++) {
      await database.query("select live.emit($1, 'n', to_jsonb($2 * 100 + n)) from generate_series(1, 100) n", [`${prefix}:ordered`, round]);
    }
    await eventually('2,000 events', () => socket.broadcasts(wire('ordered')).length === 2000);
    assert.deepEqual(socket.broadcasts(wire('ordered')).map((frame) => frame.payload.payload), Array.from({ length: 2000 }, (_, n) => n + 1));
    socket.close();
  });

  test('speaks TLS 1.2 and 1.3 with ciphers that keep past traffic secret, and nothing older or weaker', async () => {
    for (const version of ['-tls1_2', '-tls1_3']) assert.match((await sClient(port, version)).text, /Cipher is (ECDHE|TLS)_?\S+/, version);
    for (const given of [['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'], ['-tls1', '-cipher', 'ALL:@SECLEVEL=0'], ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-SHA']]) {
      assert.match((await sClient(port, ...given)).text, /Cipher is \(NONE\)/, given.join(' '));
    }
  });

  test('speaks HTTP/1.1 only, and says so', async () => {
    assert.match((await sClient(port, '-alpn', 'h2,http/1.1')).text, /ALPN protocol: http\/1\.1/);
    assert.match((await sClient(port, '-alpn', 'h2')).text, /no application protocol/);
  });

  test('tells those who speak plainly what it wants', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`);
    assert.equal(response.status, 400);
    assert.match((await response.json()).error, /encrypted connections only/);
  });

  test('shows in the metrics what is open, what failed, and when the certificate expires', async () => {
    const socket = await RawSocket.open(secure);
    const text = await (await fetch(metrics)).text();
    const value = (name) => Number(text.match(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm'))?.[1]);
    assert.ok(value('pg_live_tls_connections') >= 1);
    assert.ok(value('pg_live_tls_handshakes_total{result="done"}') >= 1);
    assert.ok(value('pg_live_tls_certificate_expiry_seconds') > Date.now() / 1000 + 80 * 86400);
    socket.close();
  });
});

describe('an encrypted port and those who are slow', () => {
  let database, prefix;
  const closeLater = withDatabase({}, (made) => ({ database, prefix } = made));

  test('lets a client go that does not read, and keeps the others', async () => {
    const { plain, secure } = await startEncrypted(database, closeLater, { flags: ['--limit-queue-bytes', '300000', '--close-timeout', '1'] });
    const topic = `realtime:${prefix}:slow`;
    const [slow, neighbour] = [await RawSocket.open(secure), await RawSocket.open(secure)];
    await Promise.all([slow.join(topic), neighbour.join(topic)]);
    slow.socket.pause();
    let sent = 0;
    await eventually('the bridge gives the slow reader up', async () => {
      await database.query("select live.emit($1, $2, to_jsonb(repeat('x', 50000)))", [`${prefix}:slow`, `n${++sent}`]);
      await neighbour.broadcast(topic, `n${sent}`);
      return /reads too slowly/.test(plain.log);
    });
    assert.equal(neighbour.broadcasts(topic).length, sent);
    slow.socket.resume();
    assert.ok([1013, 1006].includes((await slow.untilClosed()).code));
    neighbour.close();
    await plain.stop();
  });

  test('lets go of all that a connection had, however it ends', async () => {
    const { plain, secure, port } = await startEncrypted(database, closeLater);
    const descriptors = () => readdirSync(`/proc/${plain.pid}/fd`).length;
    const before = descriptors();
    const sockets = [];
    for (let n = 0; n < 10; n++) sockets.push(await RawSocket.open(secure), await connectTcp({ port }));
    await eventually('all are accepted', () => descriptors() >= before + 35);
    for (const [n, socket] of sockets.entries()) {
      if (n % 4 === 0) socket.socket.close(1000);
      else socket.socket.destroy?.() ?? socket.close();
    }
    await eventually('all descriptors are back', () => descriptors() <= before);
    await plain.stop();
  });

  test('closes who does not finish a handshake in time', async () => {
    const { plain, port } = await startEncrypted(database, closeLater, { flags: ['--request-timeout', '1', '--log-level', 'debug'] });
    const [silent, begun] = [await connectTcp({ port }), await connectTcp({ port })];
    begun.send(Buffer.from([22, 3, 1, 2, 0, 1]));
    await Promise.all([silent.untilClosed(), begun.untilClosed()]);
    assert.equal(plain.log.match(/"a handshake failed".*"took too long"/g)?.length, 2);
    await plain.stop();
  });

  test('closes the oldest of too many unfinished handshakes, and lets the next client in', async () => {
    const { plain, secure, port } = await startEncrypted(database, closeLater, { flags: ['--limit-handshakes', '4'] });
    const silent = [];
    for (let n = 0; n < 4; n++) silent.push(await connectTcp({ port }));
    const socket = await RawSocket.open(secure);
    assert.ok(await socket.answers());
    await silent[0].untilClosed();
    assert.deepEqual(silent.slice(1).map(({ closed }) => closed), [false, false, false]);
    for (const each of silent) each.destroy();
    socket.close();
    await plain.stop();
  });

  test('has one deadline for a request however slowly it comes', async () => {
    const { plain, secure } = await startEncrypted(database, closeLater, { flags: ['--request-timeout', '1'] });
    const socket = connect({ port: secure.port, host: '127.0.0.1', ca: secure.ca, servername: 'localhost' });
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (piece) => (text += piece));
    socket.write('GET /healthz HTTP/1.1\r\n');
    await eventually('the answer', () => text.startsWith('HTTP/1.1 408'));
    socket.destroy();
    await plain.stop();
  });

  test('says 1012 to its clients and ends when it is stopped', async () => {
    const { plain, secure } = await startEncrypted(database, closeLater);
    const socket = await RawSocket.open(secure);
    await socket.join(`realtime:${prefix}:stopped`);
    assert.deepEqual(await plain.stop(), { code: 0, signal: null });
    assert.equal((await socket.untilClosed()).code, 1012);
  });

  test('reads the preface of a trusted proxy before the handshake, even in pieces, and of no one else', async () => {
    const flags = ['--trusted-proxies', '127.0.0.2', '--proxy-protocol', '--limit-connections-by-address', '1'];
    const { plain, secure, port } = await startEncrypted(database, closeLater, { flags });
    const opened = [];
    const statusAfter = async (from, ...pieces) => {
      const { socket } = await connectTcp({ port }, { from });
      opened.push(socket);
      socket.setNoDelay(true);
      for (const piece of pieces) await new Promise((done) => socket.write(piece, done));
      const over = connect({ socket, ca: secure.ca, servername: 'localhost' });
      let text = '';
      over.on('data', (piece) => (text += piece));
      over.on('error', () => (text ||= 'closed'));
      over.on('close', () => (text ||= 'closed'));
      over.write([`GET /realtime/v1/websocket?vsn=2.0.0&apikey=${plain.token()} HTTP/1.1`, 'Host: h', 'Upgrade: websocket', 'Connection: Upgrade',
        'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'X-Forwarded-For: 203.0.113.9', '\r\n'].join('\r\n'));
      await eventually('an answer', () => text);
      return text.split(' ')[1] ?? text;
    };
    assert.equal(await statusAfter('127.0.0.2', 'PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n'), '101');
    assert.equal(await statusAfter('127.0.0.2', 'PROXY TCP4 192.0', '.2.1 127.0.0.1 1 2\r', '\n'), 'closed', 'too many of that client');
    assert.equal(await statusAfter('127.0.0.2', 'PROXY TCP4 192.0.2.2 127.0.0.1 1 2\r\n'), '101');
    assert.equal(await statusAfter('127.0.0.2'), 'closed');
    assert.equal(await statusAfter('127.0.0.3', 'PROXY TCP4 192.0.2.3 127.0.0.1 1 2\r\n'), 'closed');
    assert.equal(await statusAfter('127.0.0.3'), '101');
    for (const socket of opened) socket.destroy();
    await plain.stop();
  });
});

describe('the certificate', () => {
  let database, prefix;
  const closeLater = withDatabase({}, (made) => ({ database, prefix } = made));
  const started = (given) => startEncrypted(database, closeLater, given);

  test('is read again when its files change, and open sockets stay', async () => {
    const { plain, secure, port, certificate } = await started();
    const socket = await RawSocket.open(secure);
    await socket.join(`realtime:${prefix}:kept`);
    assert.equal(await subjectShown(port), 'localhost');
    certificate.replace('renewed');
    await eventually('the new certificate is shown', async () => (await subjectShown(port)) === 'renewed');
    assert.ok(await socket.answers());
    await database.emit(`${prefix}:kept`, 'after');
    await socket.broadcast(`realtime:${prefix}:kept`, 'after');
    socket.close();
    await plain.stop();
  });

  test('is read again at SIGHUP', async () => {
    const { plain } = await started();
    process.kill(plain.pid, 'SIGHUP');
    await eventually('the log says it', () => /read the certificate again/.test(plain.log));
    await plain.stop();
  });

  test('stays in force while the new files cannot be used, which the log tells once, and gives way to good ones', async () => {
    const { plain, secure, port, certificate } = await started();
    writeFileSync(certificate.file, 'nonsense');
    await eventually('the log tells it', () => /could not use the new certificate: the one before stays in force/.test(plain.log));
    assert.equal(await subjectShown(port), 'localhost');
    assert.equal((await ask(secure, '/healthz')).status, 200);
    certificate.replace('mended');
    await eventually('the good certificate is shown', async () => (await subjectShown(port)) === 'mended');
    assert.equal(plain.log.match(/could not use the new certificate/g).length, 1);
    await plain.stop();
  });

  for (const [days, words] of [[3, 'the certificate expires soon'], [-1, 'the certificate has expired']]) {
    test(`that ends in ${days} days is told in the log: ${words}`, async () => {
      const { plain } = await started({ certificate: closeLater(new CertificateFolder('localhost', days)) });
      await eventually('the warning', () => new RegExp(`"level":"warning".*"${words}"`).test(plain.log));
      await plain.stop();
    });
  }

  for (const [what, spoil, words] of [
    ['is not there', (made) => (made.file = made.path('none.pem')), /none\.pem.*No such file/],
    ['is none', (made) => writeFileSync(made.file, 'nonsense'), /certificate\.pem.*no start line/],
    ['has no key', (made) => writeFileSync(made.key, ''), /key\.pem/],
    ['has the key of another', (made) => (made.key = closeLater(new CertificateFolder()).key), /key\.pem.*key values mismatch/],
  ]) {
    test(`that ${what} keeps the bridge from starting, with a message`, async () => {
      const certificate = closeLater(new CertificateFolder());
      spoil(certificate);
      await assert.rejects(started({ certificate }), (error) => {
        assert.match(error.message, /could not use the certificate: /);
        assert.match(error.message, words);
        assert.match(error.message, /"code":1/);
        return true;
      });
    });
  }
});

describe('plain requests beside an encrypted port', () => {
  let database;
  const closeLater = withDatabase({}, (made) => ({ database } = made));
  const get = (bridge, path) => fetch(`${bridge.url}${path}`, { redirect: 'manual' });

  test('are redirected if so set, but for probes and WebSockets, and browsers are told to come encrypted', async () => {
    const { plain, secure, port } = await startEncrypted(database, closeLater, { flags: ['--plain-http', 'redirect'] });
    const redirected = await get(plain, '/api/activity?a=%2F&b');
    assert.equal(redirected.status, 308);
    assert.equal(redirected.headers.get('location'), `https://127.0.0.1:${port}/api/activity?a=%2F&b`);
    assert.equal((await get(plain, '/healthz')).status, 200);
    await assert.rejects(RawSocket.open(plain), { status: 403 });
    const answer = await ask(secure, '/healthz');
    assert.equal(answer.headers['strict-transport-security'], 'max-age=31536000');
    assert.equal((await get(plain, '/healthz')).headers.get('strict-transport-security'), null);
    await plain.stop();
  });

  test('are refused if so set', async () => {
    const { plain, secure } = await startEncrypted(database, closeLater, { flags: ['--plain-http', 'refuse'] });
    assert.equal((await get(plain, '/api/activity')).status, 403);
    await assert.rejects(RawSocket.open(plain), { status: 403 });
    assert.equal((await get(plain, '/readyz')).status, 200);
    const socket = await RawSocket.open(secure);
    assert.ok(await socket.answers());
    socket.close();
    await plain.stop();
  });

  test('are served if nothing is set, and browsers are told nothing, since that would hold for this port too', async () => {
    const { plain, secure } = await startEncrypted(database, closeLater);
    assert.equal((await get(plain, '/api/activity')).status, 401);
    assert.equal((await ask(secure, '/healthz')).headers['strict-transport-security'], undefined);
    await plain.stop();
  });
});
