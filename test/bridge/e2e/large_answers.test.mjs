// Behaviour: what a client asked for and is larger than what may wait for it does not cost it its connection: it comes
// in parts, as fast as the client reads.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withBridge } from './fixture.mjs';
import { RawSocket } from './raw-socket.mjs';
import { eventually } from './support.mjs';

describe('a bridge that lets 100 kB wait', () => {
  let database, bridge, prefix;
  withBridge({ flags: ['--limit-queue-bytes', '100000'] }, (made) => ({ database, bridge, prefix } = made));

  const numbers = (count) => Array.from({ length: count }, (_, index) => index + 1);

  test('sends a client that joins several topics who is there, though that is more, and goes on with what changes', async () => {
    const topics = numbers(5).map((n) => `realtime:${prefix}:crowd-${n}`);
    const withPresence = (key) => ({ config: { presence: { key, enabled: true } } });
    const members = await Promise.all(numbers(8).map(() => RawSocket.open(bridge)));
    for (const [index, member] of members.entries()) {
      for (const [place, topic] of topics.entries()) {
        await member.join(topic, { ref: `${place}`, ...withPresence(`member-${index}`) });
        member.send(`${place}`, `track-${place}`, topic, 'presence', { type: 'presence', event: 'track', payload: { text: 'x'.repeat(15_000) } });
        assert.equal((await member.reply(`track-${place}`)).payload.status, 'ok');
      }
    }
    const stateOf = (socket, topic) => socket.frames.find((frame) =>
      frame.event === 'presence_state' && frame.topic === topic && Object.keys(frame.payload).length === members.length);
    async function joinAll(socket) {
      for (const [place, topic] of topics.entries()) {
        socket.send(`${place}`, `${place}`, topic, 'phx_join', { config: { private: true, ...withPresence('viewer').config } });
      }
    }
    const [slow, neighbour] = [await RawSocket.open(bridge), await RawSocket.open(bridge)];
    slow.socket.pause();
    await joinAll(slow);
    await joinAll(neighbour);
    const told = (socket) => eventually('who is in each topic is told', () => {
      assert.equal(socket.closed, null);
      return topics.every((topic) => stateOf(socket, topic));
    });
    await told(neighbour);
    slow.socket.resume();
    await told(slow);
    members[0].send('0', 'untrack', topics[0], 'presence', { type: 'presence', event: 'untrack' });
    for (const socket of [slow, neighbour]) {
      await socket.frame('the change', (frame) => frame.event === 'presence_diff' && frame.topic === topics[0] && frame.payload.leaves['member-0']);
    }
    assert.doesNotMatch(bridge.log, /reads too slowly/);
    for (const socket of [slow, neighbour, ...members]) socket.close();
  });

  test('sends a client that resumes many topics all it has missed, an event beyond the limit among it', async () => {
    const topics = numbers(8).map((n) => `${prefix}:missed-${n}`);
    const witness = await RawSocket.open(bridge);
    for (const [place, topic] of topics.entries()) await witness.join(`realtime:${topic}`, { ref: `${place}` });
    await database.query(`select live.emit(topic, 'first', '{}') from unnest($1::text[]) as topic`, [topics]);
    const seen = await Promise.all(topics.map((topic) => witness.broadcast(`realtime:${topic}`, 'first')));
    witness.close();
    for (const topic of topics) {
      await database.query(
        `select live.emit($1, 'e' || n, to_jsonb(repeat('x', case n when 7 then 300000 else 20000 end))) from generate_series(1, 20) as n`, [topic]);
    }
    const returned = await RawSocket.open(bridge);
    returned.socket.pause();
    for (const [place, topic] of topics.entries()) {
      returned.send(`${place}`, `${place}`, `realtime:${topic}`, 'phx_join', { config: { private: true, resume: seen[place].payload.meta.id } });
    }
    const other = await RawSocket.open(bridge);
    assert.equal((await other.join(`realtime:${topics[0]}`)).payload.status, 'ok');
    returned.socket.resume();
    await Promise.all(topics.map((topic) => returned.broadcast(`realtime:${topic}`, 'e20')));
    for (const topic of topics) {
      assert.deepEqual(returned.broadcasts(`realtime:${topic}`).map((frame) => frame.payload.event), numbers(20).map((n) => `e${n}`));
    }
    assert.equal(returned.closed, null);
    returned.close();
    other.close();
  });
});
