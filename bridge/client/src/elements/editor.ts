// <collaborative-editor room="minutes" create label="Minutes">: a text that several people write at once, in CodeMirror, with
// the carets of the others. It is a form control: its value is the text. What is written without a connection is kept and sent.
// The libraries of CodeMirror are the app's.
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { codeMirror, documentOf, textRebase } from '../collaboration/codemirror';
import { remoteCarets } from '../collaboration/codemirror_carets';
import type { SessionState } from '../collaboration/editor';
import { KeptEdits } from '../collaboration/kept_edits';
import { Session } from '../collaboration/session';
import { CommandError, type Transport } from '../collaboration/transport';
import { submitUnsaved } from '../collaboration/unsaved';
import type { LiveClient } from '../core/client';
import type { Live } from '../stores/live';
import { define, h, LiveElement } from './element';

/** A transport over the connection that the page has already. */
export function overLive(client: LiveClient): Transport {
  let topic = '';
  let end = () => {};
  return {
    open(sessionId, listener) {
      topic = `session:${sessionId}`;
      end = client.subscribe(topic, {
        joined: () => listener.joined(),
        lost: () => listener.lost(null),
        refused: (error) => listener.refused(error.message),
        event: ({ event, payload }) => listener.event(event, payload),
      });
    },
    push: (command, payload) => client.push(topic, command as 'collab:edit', payload as never),
    close: () => end(),
  };
}

type Shown = { state: 'loading' | 'saved' | 'saving' | 'offline' | 'readonly' | 'ended' | 'error'; text: string };

const retryAfter = 3000;

const canEdit = (can: boolean): Extension => [EditorState.readOnly.of(!can), EditorView.editable.of(can)];

export class CollaborativeEditor extends LiveElement {
  static formAssociated = true;
  static observedAttributes = ['room', 'session', 'create', 'readonly', 'label'];

  #internals: ElementInternals | null = null;
  #view: EditorView | null = null;
  #shown: Shown = { state: 'loading', text: '' };
  #run = 0;

  protected get css(): string {
    return `.frame { border: 1px solid var(--_line); border-radius: var(--_radius); background: var(--_surface); overflow: hidden; }
.cm-editor { max-block-size: var(--pg-live-editor-height, 320px); color: var(--_text); } .cm-editor .cm-content { caret-color: currentColor; min-block-size: 4.5em; font: var(--pg-live-editor-font, inherit); padding-inline: 12px; padding-block: 18px 8px; }
.cm-editor.cm-focused { outline: 2px solid var(--_accent); outline-offset: -2px; } .cm-editor .cm-cursor { border-inline-start-color: currentColor; }
.status { display: flex; gap: 8px; align-items: center; margin: 0; padding: 4px 12px; border-block-start: 1px solid var(--_line); color: var(--_quiet); font-size: 12px; min-block-size: 28px; overflow-wrap: anywhere; }
.status::before { content: "●"; } .status[data-state=saving]::before { content: "◐"; } .status[data-state=offline]::before, .status[data-state=loading]::before { content: "○"; }
.status[data-state=error], .status[data-state=ended] { color: var(--_busy); } .status[data-state=error]::before, .status[data-state=ended]::before { content: "✕"; }`;
  }

  /** The text as this editor has it. */
  get value(): string {
    return this.#view?.state.doc.toString() ?? '';
  }

  get form(): HTMLFormElement | null {
    return this.#internals?.form ?? null;
  }

  get name(): string {
    return this.getAttribute('name') ?? '';
  }

  override focus(options?: FocusOptions): void {
    if (this.#view) this.#view.focus();
    else super.focus(options);
  }

  protected start(live: Live): (() => void)[] {
    this.#internals ??= this.attachInternals?.() ?? null;
    const run = ++this.#run;
    this.#show('loading', this.texts.loading);
    void this.#open(live, run);
    return [
      () => {
        this.#run += 1;
        this.#view?.destroy();
        this.#view = null;
      },
    ];
  }

  async #open({ client }: Live, run: number): Promise<void> {
    const isGone = () => run !== this.#run;
    const { texts } = this;
    const [room, id] = [this.getAttribute('room'), this.getAttribute('session')];
    if (!room && !id) return this.#show('error', texts.failed('the attribute room or session is missing'));
    try {
      const asked = id ? { session_id: id } : { room_name: room!, create_if_missing: this.hasAttribute('create') };
      const state = (await client.request('POST /api/collaboration/join', asked)).value as SessionState;
      if (isGone()) return;
      if (state.policy !== 'text') return this.#show('error', texts.failed(`the session has the policy ${state.policy}, not text`));
      const kept = new KeptEdits(storageOf(client.userId), textRebase);
      const onRefused = (error: CommandError) => this.#show('error', texts.refused(error.message));
      await submitUnsaved({ url: client.url, token: () => client.token() }, state, kept, onRefused);
      if (!isGone()) this.#edit(client, state, kept, onRefused);
    } catch (error) {
      if (isGone()) return;
      const { message } = error as Error;
      client.report(`<collaborative-editor>: ${message}`);
      this.#show('error', texts.failed(message));
      if (!(error instanceof CommandError && error.isFinal)) setTimeout(() => !isGone() && this.restart(), retryAfter);
    }
  }

  #edit(client: LiveClient, state: SessionState, kept: KeptEdits, onRefused: (error: CommandError) => void): void {
    const { texts } = this;
    const isReadOnly = state.role === 'viewer' || this.hasAttribute('readonly');
    const editing = new Compartment();
    let connection: string = 'waiting';
    const tell = () => {
      if (connection === 'joined') this.#show(isReadOnly ? 'readonly' : session.isSaved ? 'saved' : 'saving', isReadOnly ? texts.readOnly : session.isSaved ? texts.saved : texts.saving);
      else if (connection === 'waiting') this.#show('offline', texts.offlineEdits);
    };
    const session = new Session(overLive(client), state, {
      kept,
      onRefused,
      onSaved: tell,
      onConnection: (now, reason) => {
        connection = now;
        if (now === 'ended') {
          this.#show('ended', texts.ended(reason ?? ''));
          this.#view?.dispatch({ effects: editing.reconfigure(canEdit(false)) });
        } else tell();
      },
    });
    const root = this.shadowRoot!;
    this.#frame(root);
    this.#view = new EditorView({
      root,
      parent: root.querySelector('.frame')!,
      state: EditorState.create({
        doc: documentOf(session),
        extensions: [
          codeMirror(session), remoteCarets(session, { nameOf: this.nameOf }), history(), keymap.of([...defaultKeymap, ...historyKeymap]), EditorView.lineWrapping,
          editing.of(canEdit(!isReadOnly)),
          EditorView.contentAttributes.of({ 'aria-label': this.getAttribute('label') ?? texts.editor, 'aria-readonly': String(isReadOnly), tabindex: '0' }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            this.#internals?.setFormValue(this.value);
            tell();
            this.dispatchEvent(new Event('input', { bubbles: true, composed: true }));
          }),
        ],
      }),
    });
    this.#internals?.setFormValue(this.value);
    tell();
    this.changed();
  }

  #show(state: Shown['state'], text: string): void {
    this.#shown = { state, text };
    this.changed();
  }

  #frame(root: ShadowRoot): HTMLElement {
    const known = root.querySelector<HTMLElement>('.frame');
    if (known) return known;
    const status = h('p', { class: 'status', part: 'status', role: 'status' });
    root.replaceChildren(h('div', { class: 'frame', part: 'frame' }), status);
    return this.#frame(root);
  }

  protected render(root: ShadowRoot): void {
    this.#frame(root);
    const status = root.querySelector<HTMLElement>('.status')!;
    const { state, text } = this.live ? this.#shown : { state: 'error', text: this.texts.noProvider };
    if (status.textContent !== text) status.textContent = text;
    status.dataset['state'] = state;
    status.part.value = `status ${state}`;
  }
}

/** What of sessionStorage is the user's: another one in the same tab neither sees nor submits it. Nothing where a policy forbids it. */
function storageOf(userId: string | null): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  try {
    const storage = sessionStorage;
    const own = (name: string) => JSON.stringify([name, userId]);
    return {
      getItem: (name) => storage.getItem(own(name)),
      setItem: (name, value) => storage.setItem(own(name), value),
      removeItem: (name) => storage.removeItem(own(name)),
    };
  } catch {
    return { getItem: () => null, setItem: () => {}, removeItem: () => {} };
  }
}

define('collaborative-editor', CollaborativeEditor);

declare global {
  interface HTMLElementTagNameMap {
    'collaborative-editor': CollaborativeEditor;
  }
}
