// Behaviour: who comes back to the encrypted port resumes the session with a ticket, at whatever worker; where no ticket
// holds the handshake is done in full, without an error.
import assert from 'node:assert/strict';
import { connect } from 'node:tls';
import { describe, test } from 'node:test';
import { startEncrypted } from './certificate.mjs';
import { withDatabase } from './fixture.mjs';
import { eventually, uniqueName } from './support.mjs';

describe('tickets of the encrypted port', () => {
  let database;
  const closeLater = withDatabase({}, (made) => ({ database } = made));
  const started = (given) => startEncrypted(database, closeLater, { hasMetrics: false, ...given });

  /** One connection with a request that is refused, which the log tells: {isResumed, ticket, session, worker}. */
  async function visit({ plain, secure }, { session, ...options } = {}) {
    const origin = `https://${uniqueName('visit')}.example`.replace('_', '-');
    const socket = connect({ host: '127.0.0.1', port: secure.port, ca: secure.ca, servername: 'localhost', session, ...options });
    let [text, next] = ['', null];
    socket.on('session', (given) => (next = given));
    socket.on('data', (piece) => (text += piece));
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    const found = { isResumed: socket.isSessionReused(), ticket: socket.getTLSTicket() };
    socket.write([`GET /realtime/v1/websocket?vsn=2.0.0&apikey=${secure.token()} HTTP/1.1`, 'Host: h', 'Upgrade: websocket', 'Connection: Upgrade',
      'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', `Origin: ${origin}`, '\r\n'].join('\r\n'));
    await eventually('the answer', () => text.startsWith('HTTP/1.1 403'));
    const line = await eventually('the line of the log', () => plain.log.split('\n').find((each) => each.includes(origin)));
    socket.destroy();
    return { ...found, session: next, worker: JSON.parse(line).worker };
  }

  test('resume a session at the worker that gave them and at the others', async () => {
    const bridge = await started({ flags: ['--workers', '2'] });
    const first = await visit(bridge);
    assert.equal(first.isResumed, false);
    const workers = new Set();
    await eventually('both workers are met', async () => {
      const again = await visit(bridge, { session: first.session });
      assert.ok(again.isResumed, `worker ${again.worker} took the ticket of worker ${first.worker}`);
      return workers.add(again.worker).size === 2;
    });
    await bridge.plain.stop();
  });

  test('of another bridge are none: the handshake is done in full', async () => {
    const bridge = await started();
    const { session } = await visit(bridge);
    await bridge.plain.stop();
    const other = await started({ certificate: bridge.certificate });
    assert.equal((await visit(other, { session })).isResumed, false);
    assert.equal((await visit(other, { session: (await visit(other)).session })).isResumed, true);
    await other.plain.stop();
  });

  test('hold when the certificate has been read again', async () => {
    const bridge = await started();
    const { session } = await visit(bridge);
    process.kill(bridge.plain.pid, 'SIGHUP');
    await eventually('the log says it', () => /read the certificate again/.test(bridge.plain.log));
    assert.ok((await visit(bridge, { session })).isResumed);
    await bridge.plain.stop();
  });

  // Of 1.2, they contain what past traffic was encrypted with.
  test('are given to clients of TLS 1.3 only', async () => {
    const bridge = await started();
    assert.equal((await visit(bridge, { maxVersion: 'TLSv1.2' })).ticket, undefined);
    assert.ok((await visit(bridge)).session);
    await bridge.plain.stop();
  });
});
