// Owns editors without a page: each is an adapter of the browser package, at a bridge of its own choice, with random
// edits and a network that loses and repeats. Libraries come from the package's node_modules, of which there must be one copy.
import { Socket } from 'phoenix';
import { RealtimeClient } from 'realtime-js-2.119';
import WebSocket from 'ws';
import { CodeMirrorEditor, collaboration, documentOf } from '../../../bridge/client/lib/codemirror.js';
import { Session } from '../../../bridge/client/lib/session.js';
import { CommandError, enterSession, overPhoenix, overRealtime } from '../../../bridge/client/lib/transport.js';
import { EditorState } from '../../../bridge/client/node_modules/@codemirror/state/dist/index.js';
import { eventually } from './support.mjs';

const pieces = ['a', 'Z ', '\n', 'ä', 'e\u0301', '😀', '👩‍👩‍👧', 'two\nlines', '\t', '中文', '\\"', 'word '];

/** The position, or the one before it if a surrogate pair would be cut there. */
const wholeCharacters = (text, position) => (/[\udc00-\udfff]/.test(text[position] ?? '') ? position - 1 : position);
const position = (text, random) => wholeCharacters(text, random(text.length + 1));

export class TextEditor {
  static policy = 'text';

  constructor(session) {
    this.session = session;
    this.view = {
      state: EditorState.create({ doc: documentOf(session), extensions: collaboration(session) }),
      dispatch(transaction) {
        this.state = transaction.state;
      },
    };
    this.adapter = new CodeMirrorEditor(this.view);
    session.attach(this.adapter, session.state.head);
  }

  get content() {
    return this.view.state.doc.toString();
  }

  /** One operation at random: an insertion, a deletion or a replacement. */
  edit(random) {
    const text = this.content;
    const [from, end] = [position(text, random), position(text, random)].sort((one, other) => one - other);
    const to = random(2) === 0 ? from : Math.min(end, wholeCharacters(text, from + 20));
    const inserts = to === from || (text.length < 300 && random(2) === 0);
    this.change({ from, to, insert: inserts ? pieces[random(pieces.length)] : '' });
  }

  change(changes) {
    this.view.dispatch(this.view.state.update({ changes }));
    this.session.changed();
  }
}

/** A transport that loses requests and answers, and repeats requests, at once or later; `acknowledged` collects answers. */
function unreliable(transport, random, acknowledged) {
  const later = () => new Promise((resolve) => setTimeout(resolve, random(60)));
  return {
    ...transport,
    async push(command, payload) {
      const fate = random(12);
      if (fate === 0) {
        await later();
        throw new CommandError('the request was lost');
      }
      const first = transport.push(command, payload);
      if (command === 'collab:edit') {
        if (fate === 1) transport.push(command, payload).catch(() => {});
        if (fate === 2) later().then(() => transport.push(command, payload)).catch(() => {});
      }
      const answer = await first;
      if (command === 'collab:edit' && answer.status !== 'stale') acknowledged.push({ client: payload.client_id, ...answer });
      if (fate === 3) throw new CommandError('the answer was lost');
      return answer;
    },
  };
}

const soon = () => 50 + Math.floor(Math.random() * 100);
const timeout = 3000;

/** A user with one editor of a session. */
export class Author {
  edits = 0;
  acknowledged = [];
  connection = [];
  refusals = [];
  #isOffline = false;
  #socket = null;
  #stop;

  /** `client`: phoenix or realtime-js. Without `random` the network does as it is told. */
  static async join(Editor, { bridge, user, room, random, client = 'phoenix' }) {
    const author = new Author();
    author.random = random;
    const server = { url: bridge.url, token: () => bridge.token({ sub: user }) };
    const state = await eventually(`${user} joins`, () => enterSession(server, room));
    const network = client === 'phoenix' ? author.#overPhoenix(bridge, server) : author.#overRealtime(bridge, server);
    const session = new Session(random ? unreliable(network, random, author.acknowledged) : network, state, {
      onConnection: (...report) => author.connection.push(report),
      onRefused: (error) => author.refusals.push(error),
    });
    author.session = session;
    author.editor = new Editor(session);
    return author;
  }

  /** A WebSocket that reaches nothing while the author is offline. */
  #Transport() {
    const author = this;
    return class extends WebSocket {
      constructor(address, ...given) {
        super(author.#isOffline ? 'ws://127.0.0.1:1' : address, ...given);
        author.#socket = this;
      }
    };
  }

  #overPhoenix(bridge, server) {
    const socket = new Socket(bridge.websocketUrl('/socket'), {
      transport: this.#Transport(), authToken: server.token(), reconnectAfterMs: soon, rejoinAfterMs: soon, timeout });
    socket.connect();
    this.#stop = () => new Promise((resolve) => socket.disconnect(resolve));
    return overPhoenix(socket);
  }

  #overRealtime(bridge, server) {
    const client = new RealtimeClient(bridge.websocketUrl(), {
      params: { apikey: bridge.anonKey }, accessToken: server.token, transport: this.#Transport(), reconnectAfterMs: soon, timeout });
    // Its own disconnect() leaves a timer of ten seconds, and unsubscribe() one of fifty.
    this.#stop = () => new Promise((resolve) => client.socketAdapter.getSocket().disconnect(resolve));
    const transport = overRealtime(client, server);
    return { ...transport, open: (...given) => client.setAuth().then(() => transport.open(...given)), close: () => {} };
  }

  goOffline() {
    this.#isOffline = true;
    this.breakOff();
  }

  comeBack() {
    this.#isOffline = false;
  }

  breakOff() {
    this.#socket?.terminate();
  }

  edit() {
    this.edits += 1;
    this.editor.edit(this.random);
  }

  get isSaved() {
    return this.editor.adapter.pending() === null;
  }

  async close() {
    this.session.close();
    await this.#stop();
  }
}
