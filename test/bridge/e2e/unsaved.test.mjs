// Behaviour: what an editor had not saved when its page was reloaded is in the log once, or is told.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { KeptEdits } from '../../../bridge/client/lib/collaboration/kept_edits.js';
import { enterSession } from '../../../bridge/client/lib/collaboration/transport.js';
import { submitUnsaved } from '../../../bridge/client/lib/collaboration/unsaved.js';
import { Step } from '../../../bridge/client/node_modules/prosemirror-transform/dist/index.js';
import { Author, RichTextEditor } from './editors.mjs';
import { withBridge } from './fixture.mjs';
import { eventually, uniqueName } from './support.mjs';
import { TabStorage } from './tab_storage.mjs';
import { kinds } from './words.mjs';

describe('unsaved edits', () => {
  let database, bridge, storage, session_id, user;
  const closeLater = withBridge({}, (made) => ({ database, bridge } = made));
  const asOwner = (call) => database.as('owner', call);

  for (const { Editor, write, spoil, words, code } of kinds.filter(({ Editor: { rebase } }) => rebase)) {
    describe(`of ${Editor.policy}`, () => {
      beforeEach(async () => {
        [{ value: session_id }] = await asOwner(`(live.create_session('${uniqueName('room')}', '${Editor.policy}', is_public => true)).id`);
        storage = new TabStorage();
        user = uniqueName('author');
      });

      async function open(options = { user, storage }) {
        const author = closeLater(await Author.join(Editor, { bridge, user: uniqueName('other'), room: { session_id }, ...options }));
        await eventually('it has joined', () => author.connection.at(-1)?.[0] === 'joined');
        return author;
      }

      const saved = (author) => eventually('it is saved', () => author.isSaved);
      const loses = (part) => (transport) => ({
        ...transport,
        push: (command, payload) => (command !== 'collab:edit' ? transport.push(command, payload)
          : part === 'request' ? new Promise(() => {}) : transport.push(command, payload).then(() => new Promise(() => {}))),
      });

      async function haveWords(expected, ...authors) {
        for (const { editor } of authors) await eventually('the words are there', () => assert.deepEqual(words(editor).sort(), [...expected].sort()) ?? true);
        const { rows: [{ checked, head }] } = await database.query('select live.check_session(id) as checked, head from live.collaboration_sessions where id = $1', [session_id]);
        assert.deepEqual(checked.faults, []);
        assert.equal(Number(head), expected.length, 'each edit is in the log, once');
        assert.equal(storage.values.size, 0, 'nothing is kept of what is saved');
      }

      test('made offline are in the log once after a reload, behind those of others', async () => {
        const author = await open();
        const other = await open({});
        write(author.editor, 'first');
        await saved(author);
        author.goOffline();
        for (const word of ['two', 'three']) write(author.editor, word);
        await author.close();
        assert.equal(storage.values.size, 1);
        for (const word of ['four', 'five']) write(other.editor, word);
        await saved(other);
        await haveWords(['first', 'two', 'three', 'four', 'five'], await open(), other);
      });

      for (const part of ['request', 'answer']) {
        test(`whose ${part} was lost are in the log once after a reload`, async () => {
          const author = await open({ user, storage, network: loses(part) });
          write(author.editor, 'one');
          const head = async () => Number((await database.query('select head from live.collaboration_sessions where id = $1', [session_id])).rows[0].head);
          await eventually('it is submitted', async () => (part === 'request' ? storage.values.size === 1 : (await head()) === 1));
          write(author.editor, 'two');
          await eventually('it is kept', () => [...storage.values.values()].some((value) => value.includes('two')));
          const copy = new TabStorage(storage.values);
          await author.close();
          await haveWords(['one', 'two'], await open());
          storage = copy; // a page that crashed is restored with what it had
          await haveWords(['one', 'two'], await open());
        });
      }

      test('that the database refuses are told, and the others are in the log', async () => {
        const author = await open();
        author.goOffline();
        write(author.editor, 'one');
        spoil(author.editor);
        write(author.editor, 'two');
        await author.close();
        const after = await open();
        assert.deepEqual(after.refusals.map((refusal) => [refusal.code, refusal.operations.length]), [[code, 1]]);
        await haveWords(['one', 'two'], after);
      });

      test('of a session that its user may not edit any more are told', async () => {
        const author = await open();
        author.goOffline();
        write(author.editor, 'one');
        await author.close();
        await asOwner(`live.set_role('${session_id}', '${user}', 'viewer')`);
        const after = await open();
        assert.deepEqual(after.refusals.map((refusal) => [refusal.code, refusal.operations.length]), [['42501', 1]]);
        await haveWords([], after);
      });

      test('that are too many are not kept, which is told; what is kept and cannot be read is left out', async () => {
        storage.setItem(`pg_live:unsaved:${session_id}`, '{"client_id": 7');
        const author = await open();
        author.goOffline();
        write(author.editor, 'x'.repeat(1_000_001));
        await eventually('it is told', () => author.kept.at(-1) === false);
        assert.equal(storage.values.size, 0);
        await author.close();
        await haveWords([], await open());
      });
    });
  }

  /** Two authors in one page of ProseMirror; `tab` is where the first keeps what is unsaved. */
  async function openBoth() {
    const [{ value: id }] = await asOwner(`(live.create_session('${uniqueName('room')}', 'cas', is_public => true)).id`);
    const open = async (options) => closeLater(await Author.join(RichTextEditor, { bridge, user: 'author', room: { session_id: id }, ...options }));
    const change = ({ editor }, edit) => {
      editor.view.dispatch(edit(editor.view.state.tr));
      editor.session.changed();
    };
    const tab = new TabStorage();
    return { id, open, change, tab, author: await open({ storage: tab }), other: await open({ user: 'other' }) };
  }

  test('of ProseMirror come upon a snapshot that was made meanwhile, without the step whose place is gone', async () => {
    const { id, open, change, tab, author, other } = await openBoth();
    change(author, (tr) => tr.insertText('one gone three', 1));
    await eventually('both have it', () => author.isSaved && other.editor.view.state.doc.textContent === 'one gone three');
    author.goOffline();
    change(author, (tr) => tr.insertText('!', 7));
    change(author, (tr) => tr.insertText('?', 16));
    await author.close();
    change(other, (tr) => tr.delete(4, 9));
    await eventually('it is saved', () => other.isSaved);
    await asOwner(`live.save_snapshot('${id}', 2, convert_to($$${JSON.stringify(other.editor.content)}$$, 'UTF8'))`);
    const after = await open({ storage: tab });
    for (const { editor } of [after, other]) await eventually('they have the same', () => editor.view.state.doc.textContent === 'one three?');
    assert.deepEqual([after.refusals, tab.values.size], [[], 0]);
  });

  test('of ProseMirror leave out a step that another one made impossible while they were submitted', async () => {
    const { author, other, tab, id, change } = await openBoth();
    change(author, (tr) => tr.insertText('one gone', 1).split(9).insertText('three', 11));
    await eventually('both have it', () => author.isSaved && other.editor.view.state.doc.childCount === 2);
    author.goOffline();
    change(author, (tr) => tr.delete(5, 13)); // from the middle of the first paragraph into the second one
    change(author, (tr) => tr.insertText('?', 1));
    await author.close();
    // What is submitted meets the step of the other, which ends between the paragraphs: the answer brings it.
    let requests = 0;
    const token = async () => {
      requests += 1;
      if (requests === 2) {
        change(other, (tr) => tr.step(Step.fromJSON(tr.doc.type.schema, { stepType: 'replace', from: 3, to: 10, slice: { content: [{ type: 'paragraph' }], openStart: 1 } })));
        await eventually('it is saved', () => other.isSaved);
      }
      return bridge.token({ sub: 'author' });
    };
    const server = { url: bridge.url, token };
    const refusals = [];
    await submitUnsaved(server, await enterSession(server, { session_id: id }), new KeptEdits(tab, RichTextEditor.rebase), (error) => refusals.push(error.code));
    await eventually('the other has what can be done', () => other.editor.view.state.doc.textContent === '?onthree');
    const { rows: [{ head }] } = await database.query('select head from live.collaboration_sessions where id = $1', [id]);
    assert.deepEqual([refusals, tab.values.size, Number(head)], [[], 0, 5]);
  });
});
