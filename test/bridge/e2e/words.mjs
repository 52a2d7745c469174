// Owns how tests write words with the editor of each policy, and read them.
import { JsonEditor, RichTextEditor, TextEditor, YjsEditor } from './editors.mjs';

const spaced = (text) => text.split(' ').filter(Boolean);

function type(editor, text, at) {
  editor.view.dispatch(editor.view.state.tr.insertText(text, at));
  editor.session.changed();
}

/** `spoil` writes what the database refuses with `code`. `takesOut`: that can be taken out of the editor. */
export const kinds = [
  {
    Editor: TextEditor,
    write: (editor, word) => editor.change({ from: editor.content.length, insert: `${word} ` }),
    spoil: (editor) => editor.change({ from: 0, insert: 'refused\u0000' }),
    words: (editor) => spaced(editor.content),
    code: '22P02',
    takesOut: true,
  },
  {
    Editor: JsonEditor,
    write: ({ adapter }, word) => adapter.set(['words', word.slice(0, 20)], word),
    spoil: ({ adapter }) => adapter.set(['words', '__proto__', 'refused'], true),
    words: ({ content }) => Object.values(content.words ?? {}),
    code: '22023',
    takesOut: true,
  },
  {
    Editor: RichTextEditor,
    write: (editor, word) => type(editor, `${word} `, editor.view.state.doc.content.size - 1),
    spoil: (editor) => type(editor, 'refused'.repeat(50_000), 1),
    words: (editor) => spaced(editor.view.state.doc.textContent),
    code: '54000',
    takesOut: true,
  },
  {
    Editor: YjsEditor,
    write: ({ doc }, word) => doc.getMap('words').set(word, true),
    spoil: ({ doc }) => doc.getMap('words').set('refused', 'x'.repeat(300_000)),
    words: ({ doc }) => [...doc.getMap('words').keys()],
    code: '54000',
    takesOut: false,
  },
];
