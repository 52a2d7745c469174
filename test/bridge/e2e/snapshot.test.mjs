// Behaviour: of the editors of a document that the database does not know, one saves a snapshot every so many operations, and
// who joins later begins with it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Author } from './editors.mjs';
import { withBridge } from './fixture.mjs';
import { eventually, uniqueName } from './support.mjs';
import { kinds } from './words.mjs';

describe('snapshots', () => {
  let database, bridge;
  const closeLater = withBridge({}, (made) => ({ database, bridge } = made));

  for (const { Editor, write, words } of kinds) {
    const isKnown = Editor.policy === 'text' || Editor.policy === 'json';
    test(`of ${Editor.policy}: ${isKnown ? 'none is saved, since the database knows the document' : 'one editor saves one every ten operations'}`, async () => {
      const [{ value: session_id }] = await database.as('owner',
        `(live.create_session('${uniqueName('room')}', '${Editor.policy}', is_public => true, metadata => '${JSON.stringify(Editor.metadata ?? {})}')).id`);
      const saved = [];
      const network = (transport) => ({
        ...transport,
        push(command, payload) {
          if (command === 'collab:snapshot') saved.push(payload.version);
          return transport.push(command, payload);
        },
      });
      const join = async (options = {}) => {
        const author = closeLater(await Author.join(Editor, { bridge, user: uniqueName('author'), room: { session_id }, network, snapshotEvery: 10, ...options }));
        await eventually('it has joined, and all of the log', () => author.connection.at(-1)?.[0] === 'joined' && author.isSaved);
        return author;
      };
      const authors = [await join(), await join({ client: 'realtime-js' }), await join()];
      const written = [];
      for (let number = 1; number <= 25; number++) {
        const author = authors[number % 3];
        written.push(`word-${number}`);
        write(author.editor, written.at(-1));
        await eventually('all have it', () => author.isSaved && authors.every(({ session }) => session.version === number));
      }
      const { rows } = await database.query('select version from live.session_snapshot where session_id = $1 and snapshot is not null', [session_id]);
      if (isKnown) assert.deepEqual([saved, rows], [[], []]);
      else await eventually('the second one is there', async () =>
        (await database.query('select from live.session_snapshot where session_id = $1 and version >= 20', [session_id])).rowCount === 1);
      const late = await join();
      await eventually('it has all words', () => assert.deepEqual(words(late.editor).sort(), written.sort()) ?? true);
      if (isKnown) return;
      assert.deepEqual(saved.map((version) => Math.floor(version / 10)), [1, 2]); // what follows at once may be in it
      assert.equal(late.session.state.snapshot_version, saved[1]);
      assert.deepEqual(authors.map(({ refusals }) => refusals), [[], [], []]);
    });
  }
});
