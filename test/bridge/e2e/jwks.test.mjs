// Behaviour: keys of issuers that are fetched from URLs: first, on rotation, from an issuer that is away, slow or hostile.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { withDatabase } from './fixture.mjs';
import { ask } from './http-client.mjs';
import { Issuer, SigningKey } from './issuer.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually, freePort, startBridge } from './support.mjs';

const route = '/api/presence/online';
const statusOf = async (bridge, token) => (await ask(bridge, 'GET', route, { token })).status;

describe('keys from a URL', () => {
  let database, prefix;
  const closeLater = withDatabase({ topics: {} }, (made) => ({ database, prefix } = made));

  const anIssuer = async (options) => closeLater(await Issuer.start(options));
  const aBridge = async (flags, options = {}) => closeLater(await startBridge(database, { flags, ...options }));
  const joins = (socket, ref, token) => socket.join(`realtime:${prefix}:${ref}`, { ref, access_token: token });

  test('a rotated key is accepted at once, and nothing that is open notices', async () => {
    const [first, second, third] = ['1', '2', '3'].map((kid) => new SigningKey(kid));
    const issuer = await anIssuer({ keys: [first] });
    const bridge = await aBridge(['--jwks', issuer.url]);
    const socket = await RawSocket.open(bridge, { token: first.token() });
    assert.equal((await joins(socket, '1', first.token())).payload.status, 'ok');

    issuer.keys = [second];
    assert.equal((await joins(socket, '2', second.token())).payload.status, 'ok', 'a join waits for the key');
    assert.equal(await statusOf(bridge, second.token()), 200);
    assert.equal(await statusOf(bridge, first.token({ jti: 'again' })), 401, 'the key that was taken back');

    issuer.keys = [second, third];
    const [request, other] = await Promise.all([statusOf(bridge, third.token()), RawSocket.open(bridge, { token: third.token() })]);
    assert.equal(request, 200, 'a request waits for the key, and so does an upgrade');
    other.close();

    await database.emit(`${prefix}:1`, 'still here');
    await socket.broadcast(`realtime:${prefix}:1`, 'still here');
    assert.ok(await socket.answers());
    assert.ok(!socket.frames.some((frame) => frame.event === 'phx_close'));
    socket.close();
  });

  test('messages behind a token that waits for its key keep their order', async () => {
    const [first, second] = [new SigningKey('1'), new SigningKey('2')];
    const issuer = await anIssuer({ keys: [first] });
    const bridge = await aBridge(['--jwks', issuer.url]);
    const topic = `realtime:${prefix}:order`;
    const socket = await RawSocket.open(bridge, { token: first.token() });
    await socket.join(topic, { access_token: first.token() });
    issuer.keys = [first, second];
    socket.send('1', 'token', topic, 'access_token', { access_token: second.token({ sub: 'ben' }) });
    for (let i = 0; i < 5; i++) socket.send('1', `send-${i}`, topic, 'broadcast', { type: 'broadcast', event: `e${i}`, payload: {} });
    socket.send(null, 'last', 'phoenix', 'heartbeat', {});
    await socket.reply('last');
    assert.ok(!socket.frames.some((frame) => frame.event === 'phx_close' || frame.payload.status === 'error'));
    socket.close();
  });

  test('a flood of unknown ids causes few fetches, and does not delay known ones', async () => {
    const key = new SigningKey('known');
    const issuer = await anIssuer({ keys: [key] });
    const bridge = await aBridge(['--jwks', issuer.url]);
    assert.equal(await statusOf(bridge, key.token()), 200);
    issuer.requests = 0;
    const started = Date.now();
    const statuses = await Promise.all(Array.from({ length: 200 }, (_, i) => statusOf(bridge, new SigningKey(`no-${i}`).token())));
    assert.deepEqual([...new Set(statuses)], [401]);
    assert.equal(await statusOf(bridge, key.token({ jti: 'other' })), 200);
    const bound = 3 + Math.ceil((Date.now() - started) / 10_000);
    assert.ok(issuer.requests >= 1 && issuer.requests <= bound, `${issuer.requests} fetches, at most ${bound}`);
  });

  test('an issuer that hangs holds up its own tokens for a while, and nobody else', async () => {
    const [key, other] = [new SigningKey('1'), new SigningKey('1')];
    const [hanging, well] = [await anIssuer(), await anIssuer({ keys: [other] })];
    hanging.answer = () => {}; // never
    const bridge = await aBridge(['--jwt-secret', 'x'.repeat(32), '--jwt-issuer', `shared,hanging=${hanging.url},well=${well.url}`]);
    let answered = false;
    const waiting = statusOf(bridge, key.token({ iss: 'hanging' })).then((status) => ((answered = true), status));
    assert.equal(await statusOf(bridge, other.token({ iss: 'well' })), 200);
    assert.equal((await ask(bridge, 'GET', '/healthz', { token: key.token({ iss: 'hanging' }) })).status, 200, 'where no token is needed, none is waited for');
    assert.equal(answered, false);
    assert.equal(await waiting, 503, 'it is not the fault of the token');
  });

  test('tokens that wait for keys are limited by address: what is too much is answered at once, and others wait', async () => {
    const key = new SigningKey('1');
    const hanging = await anIssuer();
    hanging.answer = () => {}; // never
    const bridge = await aBridge(['--jwks', hanging.url, '--limit-waiting-tokens-by-address', '2']);
    const answers = [];
    const open = (from) => RawSocket.open(bridge, { token: key.token(), options: { localAddress: from } }).catch(({ status }) => answers.push([from, status]));
    const waiting = [open('127.0.2.1'), open('127.0.2.1'), open('127.0.2.2')];
    await eventually('they wait', () => hanging.requests > 0);
    await open('127.0.2.1');
    assert.deepEqual(answers, [['127.0.2.1', 503]]);
    hanging.answer = hanging.giveKeys;
    hanging.keys = [key];
    hanging.server.closeAllConnections();
    await Promise.all(waiting);
    assert.equal(answers.length, 4, 'each is answered, once');
  });

  test('what is no key set leaves the last good one in force', async () => {
    const key = new SigningKey('1');
    const issuer = await anIssuer({ keys: [key] });
    const bridge = await aBridge(['--jwks', issuer.url, '--jwks-refresh', '1']);
    assert.equal(await statusOf(bridge, key.token()), 200);
    const elsewhere = await anIssuer({ keys: [new SigningKey('stranger')] });
    const bad = {
      'more than 1048576 bytes': (response) => response.end(`{"keys":[${' '.repeat(10_000_000)}]}`),
      'status 500': (response) => response.writeHead(500).end(JSON.stringify({ keys: [] })),
      'status 302': (response) => response.writeHead(302, { location: elsewhere.url }).end(),
      'not a JSON object': (response) => response.end('<html>'),
      'has no key': (response) => response.end('{"keys":[]}'),
      'Empty reply': (response) => response.destroy(),
    };
    for (const [says, answer] of Object.entries(bad)) {
      issuer.answer = answer;
      await eventually(`the log says: ${says}`, () => bridge.log.includes(says));
      assert.equal(await statusOf(bridge, key.token({ jti: says })), 200, says);
    }
    assert.equal(elsewhere.requests, 0, 'a redirect is not followed');
    await issuer.close();
    await eventually('the issuer is away', () => /could not read the keys[^\n]*(refused|connect)/i.test(bridge.log));
    assert.equal(await statusOf(bridge, key.token({ jti: 'away' })), 200);
    const fresh = new SigningKey('2');
    await anIssuer({ keys: [fresh], port: issuer.port });
    await eventually('it is back, with other keys', async () => (await statusOf(bridge, fresh.token())) === 200);
    assert.equal(await statusOf(bridge, key.token({ jti: 'gone' })), 401);
  });

  test('an issuer that is away at the start is waited for', async () => {
    const key = new SigningKey('1');
    const port = await freePort();
    const bridge = await aBridge(['--jwks', `http://localhost:${port}/jwks`]);
    assert.equal(await statusOf(bridge, key.token()), 503);
    await anIssuer({ keys: [key], port });
    await eventually('its tokens are accepted', async () => (await statusOf(bridge, key.token())) === 200);
  });

  test('a public key is never a secret, and none is no algorithm', async () => {
    const key = new SigningKey('1');
    const issuer = await anIssuer({ keys: [key] });
    const bridge = await aBridge(['--jwks', issuer.url], { secret: '' });
    const [, payload] = key.token().split('.');
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const secret of [JSON.stringify(key.jwk), key.jwk.x, Buffer.from(key.jwk.x, 'base64url')]) {
      const signed = `${part({ alg: 'HS256', kid: '1' })}.${payload}`;
      assert.equal(await statusOf(bridge, `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`), 401);
    }
    assert.equal(await statusOf(bridge, `${part({ alg: 'none', kid: '1' })}.${payload}.`), 401);
    assert.equal(await statusOf(bridge, `${part({ alg: 'none', kid: '1' })}.${payload}.AAAA`), 401);
    assert.equal(await statusOf(bridge, key.token()), 200);
  });

  test('who the issuer and the audience are is checked', async () => {
    const [mine, theirs] = [new SigningKey('1'), new SigningKey('1')];
    const [one, two] = [await anIssuer({ keys: [mine] }), await anIssuer({ keys: [theirs] })];
    const bridge = await aBridge(['--jwt-issuer', `supabase,one=${one.url},two=${two.url}`, '--jwt-audience', 'events,live', '--jwt-leeway', '0']);
    const claims = { iss: 'one', aud: 'events' };
    assert.equal(await statusOf(bridge, mine.token(claims)), 200);
    assert.equal(await statusOf(bridge, mine.token({ ...claims, aud: ['x', 'live'] })), 200);
    assert.equal(await statusOf(bridge, theirs.token({ ...claims, iss: 'two' })), 200);
    assert.equal(await statusOf(bridge, bridge.token({ ...claims, iss: 'supabase' })), 200);
    for (const wrong of [{ aud: undefined }, { aud: 'x' }, { aud: [] }, { iss: undefined }, { iss: 'two' }, { iss: 'supabase' }, { iss: 'three' }, { nbf: Date.now() / 1000 + 5 }, { iat: Date.now() / 1000 + 5 }, { exp: undefined }])
      assert.equal(await statusOf(bridge, mine.token({ ...claims, ...wrong })), 401, JSON.stringify(wrong));
  });

  test('certificates are checked, and those of --jwks-ca count', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pg_live_jwks_'));
    try {
      const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
      execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile, '-out', certFile,
        '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'], { stdio: 'ignore' });
      const key = new SigningKey('1');
      const issuer = await anIssuer({ keys: [key], tls: { key: readFileSync(keyFile), cert: readFileSync(certFile) } });
      const trusting = await aBridge(['--jwks', issuer.url, '--jwks-ca', certFile]);
      assert.equal(await statusOf(trusting, key.token()), 200);
      const other = await aBridge(['--jwks', issuer.url]);
      assert.equal(await statusOf(other, key.token()), 503);
      assert.match(other.log, /certificate/i);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a file of keys is read again on SIGHUP, by each worker', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pg_live_jwks_'));
    try {
      const file = join(folder, 'keys.json');
      const [first, second] = [new SigningKey('1'), new SigningKey('1')]; // one id, so no token makes it be read again
      const write = (text) => writeFileSync(file, text);
      write(JSON.stringify({ keys: [first.jwk] }));
      const bridge = await aBridge(['--jwks', file, '--workers', '2', '--jwks-refresh', '86400']);
      assert.equal(await statusOf(bridge, first.token()), 200);
      write('{');
      process.kill(bridge.pid, 'SIGHUP');
      await eventually('both workers say that it is broken', () => bridge.log.split('not a JSON object').length === 3);
      assert.equal(await statusOf(bridge, first.token()), 200);
      write(JSON.stringify({ keys: [second.jwk] }));
      process.kill(bridge.pid, 'SIGHUP');
      await eventually('both workers have read it', () => bridge.log.split('read the keys of an issuer"').length === 3);
      for (let i = 0; i < 10; i++) assert.equal(await statusOf(bridge, second.token({ jti: `${i}` })), 200);
      assert.equal(await statusOf(bridge, first.token()), 401);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
