// Behaviour: editors show where the others are, in their own text and while all of them write, and nowhere once they are gone.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Carets } from '../../../bridge/client/lib/collaboration/carets.js';
import * as ofCodeMirror from '../../../bridge/client/lib/collaboration/codemirror_carets.js';
import * as ofProseMirror from '../../../bridge/client/lib/collaboration/prosemirror_carets.js';
import { SharedAwareness } from '../../../bridge/client/lib/collaboration/yjs_awareness.js';
import { TextSelection } from '../../../bridge/client/node_modules/prosemirror-state/dist/index.js';
import { Awareness } from '../../../bridge/client/node_modules/y-protocols/awareness.js';
import { Author, RichTextEditor, TextEditor, YjsEditor, schema } from './editors.mjs';
import { withBridge } from './fixture.mjs';
import { eventually, randomFrom, uniqueName } from './support.mjs';

/** An author with carets; `shown()` is where each of the others is: {user: [anchor, head]}. */
function withCarets(author, { mappingOf, sides, selectionOf, decorationsOf }) {
  const { session, editor } = author;
  const carets = new Carets(session, { mappingOf, sides, selection: () => selectionOf(editor.view.state, session.version), changed: () => {} });
  const shown = () => Object.fromEntries(carets.all.map((caret) => [caret.userId, placesOf(decorationsOf(editor.view.state, [caret]))]));
  return Object.assign(author, { carets, shown });
}

/** Beginning and end of the selection, or the place of the caret. */
function placesOf(decorations) {
  const places = [];
  if (decorations.find) for (const { from, to } of decorations.find()) places.push(from, to);
  else for (const range = decorations.iter(); range.value; range.next()) places.push(range.from, range.to);
  return [Math.min(...places), Math.max(...places)];
}

describe('carets', () => {
  let database, bridge;
  const closeLater = withBridge({}, (made) => ({ database, bridge } = made));

  async function makeSession({ policy, metadata = {} }) {
    const [{ value }] = await database.as('owner',
      `(live.create_session('${uniqueName('room')}', '${policy}', is_public => true, metadata => '${JSON.stringify(metadata)}')).id`);
    return value;
  }

  async function join(Editor, session_id, user, client = 'phoenix') {
    const author = closeLater(await Author.join(Editor, { bridge, user, room: { session_id }, client }));
    await eventually('it has joined', () => author.connection.at(-1)?.[0] === 'joined');
    return author;
  }

  const shows = (author, expected) => eventually(`it shows ${JSON.stringify(expected)}`, () => assert.deepEqual(author.shown(), expected) ?? true)
    .catch((error) => assert.deepEqual(author.shown(), expected, error.message));

  const kinds = [
    {
      Editor: TextEditor,
      adapter: ofCodeMirror,
      offset: 0,
      insert: ({ editor }, at, text) => editor.change({ from: at, insert: text }),
      select: (author, anchor, head = anchor) => {
        author.editor.view.dispatch(author.editor.view.state.update({ selection: { anchor, head } }));
        author.carets.moved();
      },
    },
    {
      Editor: RichTextEditor,
      adapter: { ...ofProseMirror, mappingOf: ofProseMirror.mappingOf(schema) },
      offset: 1,
      insert: ({ editor }, at, text) => {
        editor.view.dispatch(editor.view.state.tr.insertText(text, at));
        editor.session.changed();
      },
      select: (author, anchor, head = anchor) => {
        const { tr } = author.editor.view.state;
        author.editor.view.dispatch(tr.setSelection(TextSelection.create(tr.doc, anchor, head)));
        author.carets.moved();
      },
    },
  ];

  for (const { Editor, adapter, offset, insert, select } of kinds) {
    test(`of ${Editor.policy}: are shown, follow what all write, are in the state of who joins, and go with their owner`, async () => {
      const session_id = await makeSession(Editor);
      const [anna, ben] = [await join(Editor, session_id, 'anna'), await join(Editor, session_id, 'ben', 'realtime-js')];
      for (const author of [anna, ben]) withCarets(author, adapter);
      insert(anna, offset, 'one two three');
      await eventually('both have the text', () => anna.isSaved && ben.session.version === anna.session.version);
      select(anna, 4 + offset, 7 + offset);
      await shows(ben, { anna: [4 + offset, 7 + offset] });
      insert(ben, offset, 'zero ');
      await shows(ben, { anna: [9 + offset, 12 + offset] });
      ben.goOffline();
      insert(ben, offset, '0 ');
      ben.comeBack();
      await shows(ben, { anna: [11 + offset, 14 + offset] });
      const carl = withCarets(await join(Editor, session_id, 'carl'), adapter);
      await eventually('carl has the text', () => carl.session.version === ben.session.version);
      await eventually('carl sees anna', () => carl.shown().anna?.join() === [11 + offset, 14 + offset].join());
      await anna.close();
      await eventually('anna is gone', () => !('anna' in ben.shown()) && !('anna' in carl.shown()));
    });
  }

  const seed = Number(process.env.CARET_SEED ?? 1 + Math.floor(Math.random() * 1e9));
  test(`are where their owners are after all have written at once (CARET_SEED=${seed})`, async () => {
    const session_id = await makeSession(TextEditor);
    const random = randomFrom(seed);
    const authors = [];
    for (const user of ['anna', 'ben', 'carl']) authors.push(withCarets(await join(TextEditor, session_id, user), ofCodeMirror));
    for (let edit = 0; edit < 60; edit++) {
      const { editor, carets } = authors[random(3)];
      editor.edit(random);
      editor.view.dispatch(editor.view.state.update({ selection: { anchor: random(editor.content.length + 1) } }));
      carets.moved();
      if (random(4) === 0) await eventually('it is saved', () => authors[random(3)].isSaved);
    }
    await eventually('all have the same', () => authors.every(({ isSaved, session }) => isSaved && session.version === authors[0].session.version));
    const placeOf = ({ editor: { view: { state: { selection: { main } } } } }) => [main.head, main.head];
    for (const author of authors) {
      const others = authors.filter((other) => other !== author);
      await shows(author, Object.fromEntries(others.map((other) => [other.user, placeOf(other)])));
    }
  });

  test('that make no sense are not shown, and those beyond the text are at its end', async () => {
    const session_id = await makeSession(TextEditor);
    const [anna, eve] = [withCarets(await join(TextEditor, session_id, 'anna'), ofCodeMirror), await join(TextEditor, session_id, 'eve')];
    for (const cursor of [{}, { version: 0, anchor: '0', head: 0 }, { version: 0, anchor: -1, head: 0 }, { version: 0.5, anchor: 0, head: 0 }, { version: 1e300, anchor: 0, head: 0 }]) {
      eve.session.moveCursor(cursor);
    }
    eve.session.moveCursor({ version: 0, anchor: 7, head: 900 });
    await shows(anna, { eve: [0, 0] });
    eve.editor.change({ from: 0, insert: 'text' });
    await eventually('anna has it', () => anna.session.version === 1);
    await shows(anna, { eve: [4, 4] });
    eve.session.moveCursor(null);
    await shows(anna, {});
  });

  test('of Yjs are states of the awareness that the app gives, one for each participant, gone with it and back with it', async () => {
    const session_id = await makeSession(YjsEditor);
    const [anna, ben] = [await join(YjsEditor, session_id, 'anna'), await join(YjsEditor, session_id, 'ben', 'realtime-js')];
    for (const author of [anna, ben]) {
      author.awareness = new Awareness(author.editor.doc);
      closeLater({ close: () => author.awareness.destroy() });
      author.shared = new SharedAwareness(author.session, author.awareness);
    }
    const stateOf = (author, of) => author.awareness.getStates().get(of.editor.doc.clientID);
    const sees = (author, of, state) => eventually(`it is seen ${JSON.stringify(state)}`, () => assert.deepEqual(stateOf(author, of), state) ?? true);
    anna.awareness.setLocalStateField('user', { name: 'Anna' });
    await sees(ben, anna, { user: { name: 'Anna' } });
    ben.awareness.setLocalState({ at: 7 });
    await sees(anna, ben, { at: 7 });
    ben.session.moveCursor({ client: anna.editor.doc.clientID, clock: 1e6, state: { name: 'not Anna' } });
    ben.awareness.setLocalState({ at: 8 });
    await sees(anna, ben, { at: 8 });
    assert.deepEqual(stateOf(anna, anna), { user: { name: 'Anna' } });
    anna.goOffline();
    await eventually('anna knows of nobody', () => stateOf(anna, ben) === undefined);
    anna.comeBack();
    await sees(anna, ben, { at: 8 });
    ben.awareness.setLocalState(null);
    await sees(anna, ben, undefined);
    await anna.close();
    await sees(ben, anna, undefined);
  });
});
