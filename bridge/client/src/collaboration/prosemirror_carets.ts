// Owns the carets and selections of others in a ProseMirror editor. The page's style sheet gives their look: classes as of
// caretElement(), and .pg-live-selection.
import { sendableSteps } from 'prosemirror-collab';
import type { Schema } from 'prosemirror-model';
import { Plugin, type EditorState } from 'prosemirror-state';
import { Step } from 'prosemirror-transform';
import { Decoration, DecorationSet } from 'prosemirror-view';
import { caretElement, Carets, colorOf, type Caret, type CaretEditor, type CaretOptions, type Mapping, type Selection } from './carets';
import type { Session } from './session';

const unsaved = (state: EditorState): readonly Step[] => sendableSteps(state)?.steps ?? [];

export const mappingOf =
  (schema: Schema) =>
  (operation: unknown): Mapping => {
    const map = Step.fromJSON(schema, operation).getMap();
    return (position, side) => map.map(position, side);
  };

export const sides: CaretEditor['sides'] = [-1, -1];

/** The selection of a state, before the steps that the log does not have. */
export function selectionOf(state: EditorState, version: number): Selection {
  const { anchor, head } = state.selection;
  const logged = (position: number) => unsaved(state).reduceRight((at, step) => step.getMap().invert().map(at, -1), position);
  return { version, anchor: logged(anchor), head: logged(head) };
}

/** Carets behind the steps that the log does not have. */
export function decorationsOf(state: EditorState, carets: readonly Caret[], options: CaretOptions = {}): DecorationSet {
  const shown = (position: number) =>
    Math.min(state.doc.content.size, unsaved(state).reduce((at, step) => step.getMap().map(at, -1), position));
  return DecorationSet.create(
    state.doc,
    carets.flatMap(({ userId, clientId, anchor, head }) => [
      Decoration.inline(shown(Math.min(anchor, head)), shown(Math.max(anchor, head)), { class: `pg-live-selection pg-live-color-${colorOf(userId)}` }),
      Decoration.widget(shown(head), () => caretElement(userId, options), { key: clientId, side: 1, ignoreSelection: true }),
    ]),
  );
}

/** Shows where the others are, and tells them where this editor's selection is. A plugin beside collaboration(session). */
export function remoteCarets(session: Session, options: CaretOptions = {}): Plugin {
  let carets: Carets | null = null;
  return new Plugin({
    props: {
      decorations: (state) => decorationsOf(state, carets?.all ?? [], options),
    },
    view(view) {
      carets = new Carets(session, {
        mappingOf: mappingOf(view.state.schema),
        sides,
        selection: () => selectionOf(view.state, session.version),
        changed: () => queueMicrotask(() => view.isDestroyed || view.dispatch(view.state.tr)),
      });
      return {
        update(_, before) {
          if (!view.state.selection.eq(before.selection) || !view.state.doc.eq(before.doc)) carets?.moved();
        },
        destroy() {
          carets?.end();
          carets = null;
        },
      };
    },
  });
}
