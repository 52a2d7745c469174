// Owns the shared note of the demo page: an editor of the session "note", which all visitors edit.
// The editor is in a shadow root, where CodeMirror needs no inline style, which the page's policy refuses.
import { EditorView } from '@codemirror/view';
import { RealtimeClient } from '@supabase/realtime-js';
import { codeMirror, documentOf, textRebase } from '../collaboration/codemirror';
import { remoteCarets } from '../collaboration/codemirror_carets';
import { KeptEdits } from '../collaboration/kept_edits';
import { Session } from '../collaboration/session';
import type { SessionOptions } from '../collaboration/session_options';
import { enterSession, overRealtime } from '../collaboration/transport';
import { submitUnsaved } from '../collaboration/unsaved';

export interface NoteOptions {
  /** Where the editor goes: an element of its own. */
  place: HTMLElement;
  /** Tells the visitor whether everything written is saved. */
  status: HTMLElement;
  apiKey: string;
  /** The JSON Web Token of the visitor. */
  token: string;
}

export class SharedNote {
  readonly #client: RealtimeClient;
  readonly #root: ShadowRoot;
  #view: EditorView | null = null;
  #closed = false;

  constructor(private readonly options: NoteOptions) {
    const { place, apiKey, token } = options;
    this.#root = place.shadowRoot ?? place.attachShadow({ mode: 'open' });
    this.#client = new RealtimeClient(new URL('realtime/v1', document.baseURI).href.replace(/^http/, 'ws'), {
      params: { apikey: apiKey },
      accessToken: async () => token,
    });
    void this.#open();
  }

  async #open(): Promise<void> {
    try {
      const server = { url: new URL('.', document.baseURI).href.replace(/\/$/, ''), token: () => this.options.token };
      await this.#client.setAuth();
      const state = await enterSession(server, { room_name: 'note', create_if_missing: true });
      if (this.#closed) return;
      const kept = new KeptEdits(sessionStorage, textRebase);
      const onRefused: SessionOptions['onRefused'] = (error) => this.#show(`Not saved: ${error.message}`, 'refused');
      await submitUnsaved(server, state, kept, onRefused);
      if (this.#closed) return;
      const session = new Session(overRealtime(this.#client, server), state, {
        onConnection: (connection, reason) => this.#show(connection === 'joined' ? 'Joined' : (reason ?? 'Waiting to reconnect'), connection),
        onSaved: (saved) => this.#show(saved ? 'Saved' : 'Saving …', 'joined'),
        onRefused,
        kept,
      });
      this.#view = new EditorView({
        doc: documentOf(session),
        extensions: [codeMirror(session), remoteCarets(session), EditorView.lineWrapping, EditorView.contentAttributes.of({ 'aria-label': 'Shared note' })],
        root: this.#root,
        parent: this.#root,
      });
    } catch (error) {
      this.#show(error instanceof Error ? error.message : 'the note could not be opened', 'ended');
    }
  }

  #show(text: string, state: string): void {
    if (this.#closed) return;
    this.options.status.textContent = text;
    this.options.status.dataset['state'] = state;
  }

  /** Leaves the note; what is not saved is kept for the visitor who wrote it, until another one opens the note in this tab. */
  close(): void {
    this.#closed = true;
    this.#view?.destroy();
    this.#root.replaceChildren();
    void this.#client.disconnect();
  }
}
