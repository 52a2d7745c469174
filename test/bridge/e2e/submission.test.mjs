// Behaviour: an editor that was away submits in parts what is too much for one submission, and ends when the log no longer
// has what it missed.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { Author } from './editors.mjs';
import { withBridge } from './fixture.mjs';
import { eventually, uniqueName } from './support.mjs';
import { TabStorage } from './tab_storage.mjs';
import { kinds } from './words.mjs';

const mostBytes = 256 * 1024; // pg_live.max_send_size

describe('an editor that was away', () => {
  let database, bridge;
  const closeLater = withBridge({}, (made) => ({ database, bridge } = made));

  for (const { Editor, write, words } of kinds) {
    describe(`of ${Editor.policy}`, () => {
      let session_id, submitted, storage, author, other;
      const network = (transport) => ({
        ...transport,
        push(command, payload) {
          if (command === 'collab:edit') submitted.push(payload.operations);
          return transport.push(command, payload);
        },
      });

      async function join(options = {}) {
        const joined = closeLater(await Author.join(Editor, { bridge, user: uniqueName('author'), room: { session_id }, network, ...options }));
        await eventually('it has joined, and all of the log', () => joined.connection.at(-1)?.[0] === 'joined' && joined.isSaved);
        return joined;
      }
      const has = ({ editor }, expected) => eventually('it has the words', () => words(editor).sort().join() === [...expected].sort().join());

      beforeEach(async () => {
        [{ value: session_id }] = await database.as('owner',
          `(live.create_session('${uniqueName('room')}', '${Editor.policy}', is_public => true, metadata => '${JSON.stringify(Editor.metadata ?? {})}')).id`);
        submitted = [];
        storage = Editor.rebase && new TabStorage();
        [author, other] = [await join({ user: 'author', storage }), await join()];
        author.goOffline();
        await eventually('it is away', () => author.connection.at(-1)[0] === 'waiting');
      });

      test('submits in parts what is larger than one submission may be', async () => {
        const written = Array.from({ length: 12 }, (_, number) => `${String.fromCharCode(97 + number)}`.repeat(50_000));
        for (const word of written) write(author.editor, word);
        author.comeBack();
        await eventually('it is saved', () => author.isSaved);
        await has(other, written);
        assert.deepEqual(author.refusals, []);
        const sizes = submitted.map((operations) => JSON.stringify(operations).length);
        assert.ok(sizes.length > 1 && sizes.length < written.length && Math.max(...sizes) < mostBytes, `${sizes}`);
      });

      test('ends when the log no longer has what it missed, and tells what was not saved when it is opened again', async () => {
        write(author.editor, 'unsaved');
        for (const word of ['one', 'two', 'three']) {
          write(other.editor, word);
          await eventually('it is saved', () => other.isSaved);
        }
        const snapshot = other.editor.adapter.snapshot?.();
        if (snapshot) await database.as('owner', `live.save_snapshot('${session_id}', 3, '\\x${Buffer.from(snapshot).toString('hex')}')`);
        else await database.query('insert into live.session_snapshot (session_id, version, document) select id, head, live_private.document_of(s) from live.collaboration_sessions s where id = $1', [session_id]);
        await database.query('delete from live.operation where session_id = $1 and version < 3', [session_id]);
        await database.query('delete from live.session_snapshot where session_id = $1 and version < 3', [session_id]);
        author.comeBack();
        await eventually('it has ended', () => author.connection.at(-1)[0] === 'ended');
        assert.match(author.connection.at(-1)[1], /the log no longer has/);
        assert.deepEqual([author.isSaved, author.refusals], [false, []]);
        await author.close();
        const again = await join({ user: 'author', storage });
        assert.deepEqual(again.refusals.map(({ operations }) => operations.length), storage ? [1] : []);
        write(again.editor, 'four');
        for (const each of [again, other]) await has(each, ['one', 'two', 'three', 'four']);
      });
    });
  }
});
