// Behaviour: editors of ProseMirror agree on a page although the database takes any operation as a step.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Author, RichTextEditor } from './editors.mjs';
import { withBridge } from './fixture.mjs';
import { eventually, uniqueName } from './support.mjs';

const impossible = [{}, 'no step', { stepType: 'unheard of' }, { stepType: 'replace', from: 900, to: 901 },
  { stepType: 'replace', from: 1, to: 1, slice: { content: [{ type: 'unheard of' }] } }, { stepType: 'replace', from: 0, to: 2 }];

let database, bridge;
const closeLater = withBridge({}, (made) => ({ database, bridge } = made));

test('what is no step, or cannot be applied to the page, changes nothing for anyone', async () => {
  const [{ value: id }] = await database.as('owner', `(live.create_session('${uniqueName('room')}', 'cas', is_public => true)).id`);
  const open = async (user) => closeLater(await Author.join(RichTextEditor, { bridge, user, room: { session_id: id } }));
  const authors = [await open('one'), await open('two')];
  const textOf = ({ editor }) => editor.view.state.doc.textContent;
  const write = ({ editor }, text) => {
    editor.view.dispatch(editor.view.state.tr.insertText(text, 1));
    editor.session.changed();
  };
  write(authors[0], 'a');
  await eventually('both have it', () => authors.every((author) => author.isSaved && textOf(author) === 'a'));
  const [{ value: answer }] = await database.as('owner', `live.submit_operations('${id}', 1, $$${JSON.stringify(impossible)}$$, 'hostile')`);
  assert.equal(answer.status, 'accepted');
  write(authors[0], 'b');
  await eventually('both have what came after', () => authors.every((author) => author.isSaved && textOf(author) === 'ba'));
  authors.push(await open('three'));
  write(authors[1], 'c');
  await eventually('who joined later has the same', () => authors.every((author) => author.isSaved && textOf(author) === 'cba'));
  assert.deepEqual(authors.flatMap(({ refusals }) => refusals), []);
});
