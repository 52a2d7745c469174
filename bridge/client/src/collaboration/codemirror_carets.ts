// Owns the carets and selections of others in a CodeMirror editor. Their look can be changed by the classes of caretElement()
// and by .pg-live-selection, .pg-live-color-0 to .pg-live-color-7.
import { sendableUpdates } from '@codemirror/collab';
import { ChangeSet, RangeSet, type EditorState, type Extension, type Range } from '@codemirror/state';
import { Decoration, EditorView, ViewPlugin, WidgetType, type DecorationSet, type ViewUpdate } from '@codemirror/view';
import { caretElement, Carets, colorOf, type Caret, type CaretEditor, type CaretOptions, type Mapping, type Selection } from './carets';
import type { Session } from './session';

class CaretWidget extends WidgetType {
  constructor(
    readonly userId: string,
    private readonly options: CaretOptions,
  ) {
    super();
  }

  override eq(other: CaretWidget): boolean {
    return other.userId === this.userId;
  }

  toDOM(): HTMLElement {
    return caretElement(this.userId, this.options);
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

export const mappingOf = (operation: unknown): Mapping => {
  const changes = ChangeSet.fromJSON(operation).desc;
  return (position, side) => changes.mapPos(Math.min(position, changes.length), side);
};

export const sides: CaretEditor['sides'] = [1, -1];

/** The selection of a state, before the updates that the log does not have. */
export function selectionOf(state: EditorState, version: number): Selection {
  const { anchor, head } = state.selection.main;
  const logged = (position: number) => sendableUpdates(state).reduceRight((at, { changes }) => changes.invertedDesc.mapPos(at, -1), position);
  return { version, anchor: logged(anchor), head: logged(head) };
}

/** Carets behind the updates that the log does not have. */
export function decorationsOf(state: EditorState, carets: readonly Caret[], options: CaretOptions = {}): DecorationSet {
  const shown = (position: number) =>
    Math.min(state.doc.length, sendableUpdates(state).reduce((at, { changes }) => changes.mapPos(Math.min(at, changes.length), -1), position));
  const ranges: Range<Decoration>[] = [];
  for (const { userId, anchor, head } of carets) {
    const [from, to] = [shown(Math.min(anchor, head)), shown(Math.max(anchor, head))];
    if (from < to) ranges.push(Decoration.mark({ class: `pg-live-selection pg-live-color-${colorOf(userId)}` }).range(from, to));
    ranges.push(Decoration.widget({ widget: new CaretWidget(userId, options), side: 1 }).range(shown(head)));
  }
  return RangeSet.of(ranges, true);
}

const hues = [210, 20, 120, 280, 50, 340, 175, 85];

const theme = EditorView.baseTheme({
  '.pg-live-caret': { position: 'relative', borderLeft: '2px solid', marginLeft: '-1px', marginRight: '-1px' },
  '.pg-live-caret-name': { position: 'absolute', bottom: '100%', left: '-1px', padding: '0 3px', fontSize: '11px', whiteSpace: 'nowrap', color: 'white', pointerEvents: 'none' },
  '.pg-live-selection': { borderRadius: '2px' },
  ...Object.fromEntries(
    hues.flatMap((hue, color) => [
      [`.pg-live-caret.pg-live-color-${color}`, { borderColor: `hsl(${hue} 60% 40%)` }],
      [`.pg-live-color-${color} .pg-live-caret-name`, { backgroundColor: `hsl(${hue} 60% 40%)` }],
      [`.pg-live-selection.pg-live-color-${color}`, { backgroundColor: `hsl(${hue} 60% 50% / 0.25)` }],
    ]),
  ),
});

/** Shows where the others are, and tells them where this editor's selection is. An extension beside codeMirror(session). */
export function remoteCarets(session: Session, options: CaretOptions = {}): Extension {
  class Shown {
    decorations = Decoration.none;
    readonly #carets: Carets;
    #isGone = false;

    constructor(view: EditorView) {
      this.#carets = new Carets(session, {
        mappingOf,
        sides,
        selection: () => selectionOf(view.state, session.version),
        changed: () => queueMicrotask(() => this.#isGone || view.dispatch({})),
      });
    }

    update({ docChanged, selectionSet, state }: ViewUpdate): void {
      this.decorations = decorationsOf(state, this.#carets.all, options);
      if (docChanged || selectionSet) this.#carets.moved();
    }

    destroy(): void {
      this.#isGone = true;
      this.#carets.end();
    }
  }
  return [theme, ViewPlugin.fromClass(Shown, { decorations: ({ decorations }) => decorations })];
}
