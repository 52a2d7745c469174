// Behaviour: what editors do with what the database refuses, for good or for now, and with the end of their session. One rule
// for all of them: an operation that is refused is taken out and told, and the others go on.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { CommandError } from '../../../bridge/client/lib/collaboration/transport.js';
import { Author } from './editors.mjs';
import { withBridge } from './fixture.mjs';
import { eventually, uniqueName } from './support.mjs';
import { kinds } from './words.mjs';

describe('an editor', () => {
  let database, bridge;
  const closeLater = withBridge({}, (made) => ({ database, bridge } = made));

  const asOwner = (call) => database.as('owner', call);

  async function makeSession({ policy, metadata = {} }) {
    const [{ value }] = await asOwner(`(live.create_session('${uniqueName('room')}', '${policy}', is_public => true, metadata => '${JSON.stringify(metadata)}')).id`);
    return value;
  }

  async function join({ Editor }, session_id, options = {}) {
    const author = closeLater(await Author.join(Editor, { bridge, user: uniqueName('author'), room: { session_id }, ...options }));
    await becomes(author, 'joined');
    await eventually('the editor has all of the log', () => author.isSaved);
    return author;
  }

  const becomes = (author, state) => eventually(`the connection is ${state}`, () => author.connection.at(-1)?.[0] === state);
  const reason = (author) => author.connection.at(-1)[1];

  for (const kind of kinds) {
    const { Editor, write, spoil, words, takesOut } = kind;

    describe(`of ${Editor.policy}`, () => {
      let session_id, user, author;
      beforeEach(async () => {
        session_id = await makeSession(Editor);
        user = uniqueName('author');
        author = await join(kind, session_id, { user });
      });

      const told = () => author.refusals.map(({ code, operations }) => [code, operations.length]);

      const writeOffline = async () => {
        author.goOffline();
        await becomes(author, 'waiting');
        for (const word of ['one', 'two']) write(author.editor, word);
        spoil(author.editor);
        for (const word of ['three', 'four']) write(author.editor, word);
        author.comeBack();
      };

      /** What the author has, what others have, and what the database says of the session. */
      const haveWords = async (...expected) => {
        const other = await join(kind, session_id);
        for (const { editor } of [author, other]) await eventually('the words are there', () => assert.deepEqual(words(editor).sort(), expected.sort()) ?? true);
        const { rows: [{ checked }] } = await database.query('select live.check_session($1) as checked', [session_id]);
        assert.deepEqual(checked.faults, []);
      };

      if (takesOut) {
        test('takes out the operation that is refused, tells it, and submits the others', async () => {
          await writeOffline();
          await eventually('the others are saved', () => author.isSaved);
          await haveWords('one', 'two', 'three', 'four');
          assert.deepEqual(told(), [[kind.code, 1]]);
        });

        for (const [what, forbid, allow, code] of [
          ['a viewer now', () => asOwner(`live.set_role('${session_id}', '${user}', 'viewer')`), () => asOwner(`live.set_role('${session_id}', '${user}', 'editor')`), '42501'],
          ['in a session that is read only', () => asOwner(`live.set_read_only('${session_id}', true)`), () => asOwner(`live.set_read_only('${session_id}', false)`), '55000'],
        ]) {
          test(`takes out what a user wrote who is ${what}, and goes on when that changes`, async () => {
            write(author.editor, 'before');
            await eventually('it is saved', () => author.isSaved);
            await forbid();
            write(author.editor, 'forbidden');
            await eventually('it is taken out', () => author.isSaved);
            assert.deepEqual([told(), words(author.editor)], [[[code, 1]], ['before']]);
            await allow();
            write(author.editor, 'after');
            await haveWords('before', 'after');
            assert.equal(told().length, 1);
          });
        }
      } else {
        test('tells what is refused, and ends, since later edits stand upon it', async () => {
          await writeOffline();
          await becomes(author, 'ended');
          assert.match(reason(author), /^an edit was refused/);
          assert.deepEqual(told(), [[kind.code, 1]]);
          author = await join(kind, session_id);
          await haveWords('one', 'two');
        });

        test('ends when the user may not edit any more', async () => {
          await asOwner(`live.set_role('${session_id}', '${user}', 'viewer')`);
          write(author.editor, 'forbidden');
          await becomes(author, 'ended');
          assert.deepEqual(told(), [['42501', 1]]);
        });
      }

      test('submits again what failed for now, until it is in the log, once', async () => {
        const codes = [null, '55P03', '53000', '53400', '40001', '57014', '28000', '08006', '25006', 'XX000'];
        const network = (transport) => ({
          ...transport,
          async push(command, payload) {
            if (command === 'collab:edit' && codes.length > 0) throw new CommandError('for now', codes.shift());
            return transport.push(command, payload);
          },
        });
        author = await join(kind, session_id, { network });
        write(author.editor, 'one');
        write(author.editor, 'two');
        await eventually('it is saved', () => author.isSaved);
        assert.deepEqual([codes, told()], [[], []]);
        await haveWords('one', 'two');
      });

      for (const client of ['phoenix', 'realtime-js']) {
        test(`${client}: ends when the user is removed, also while away, and when the session ends`, async () => {
          const away = await join(kind, session_id, { client });
          const here = await join(kind, session_id, { client });
          away.goOffline();
          await becomes(away, 'waiting');
          write(away.editor, 'unsaved');
          for (const { user: removed } of [away, here]) await asOwner(`live.remove_participant('${session_id}', '${removed}')`);
          await becomes(here, 'ended');
          away.comeBack();
          await becomes(away, 'ended');
          assert.equal(away.isSaved, false, 'what was not saved is not forgotten');
          author = await join(kind, session_id, { client });
          await asOwner(`live.end_session('${session_id}')`);
          await becomes(author, 'ended');
          assert.ok(author.connection.at(-1)[1]);
        });
      }
    });
  }
});
