// Owns editors without a page: each is an adapter of the browser package, at a bridge of its own choice, with random
// edits and a network that loses and repeats. Libraries come from the package's node_modules, of which there must be one copy.
import { Socket } from 'phoenix';
import { RealtimeClient } from 'realtime-js-2.119';
import WebSocket from 'ws';
import { CodeMirrorEditor, collaboration, documentOf, textRebase } from '../../../bridge/client/lib/collaboration/codemirror.js';
import { JsonStore, jsonRebase } from '../../../bridge/client/lib/collaboration/json_store.js';
import { KeptEdits } from '../../../bridge/client/lib/collaboration/kept_edits.js';
import { ProseMirrorEditor, collaboration as collaborationOfProseMirror, documentAfter, documentOf as documentOfProseMirror, stepRebase } from '../../../bridge/client/lib/collaboration/prosemirror.js';
import { Session } from '../../../bridge/client/lib/collaboration/session.js';
import { CommandError, enterSession, overPhoenix, overRealtime } from '../../../bridge/client/lib/collaboration/transport.js';
import { submitUnsaved } from '../../../bridge/client/lib/collaboration/unsaved.js';
import { YjsProvider } from '../../../bridge/client/lib/collaboration/yjs.js';
import { EditorState } from '../../../bridge/client/node_modules/@codemirror/state/dist/index.js';
import { Schema } from '../../../bridge/client/node_modules/prosemirror-model/dist/index.js';
import { EditorState as ProseMirrorState } from '../../../bridge/client/node_modules/prosemirror-state/dist/index.js';
import * as Y from '../../../bridge/client/node_modules/yjs/dist/yjs.mjs';
import { eventually } from './support.mjs';

const pieces = ['a', 'Z ', '\n', 'ä', 'e\u0301', '😀', '👩‍👩‍👧', 'two\nlines', '\t', '中文', '\\"', 'word '];

/** The position, or the one before it if a surrogate pair would be cut there. */
const wholeCharacters = (text, position) => (/[\udc00-\udfff]/.test(text[position] ?? '') ? position - 1 : position);
const position = (text, random) => wholeCharacters(text, random(text.length + 1));

/** An editor of plain text, with CodeMirror. */
export class TextEditor {
  static policy = 'text';
  static rebase = textRebase;
  static logsEachEdit = true;
  static contentOfDatabase = ({ document }) => document;

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

const names = ['a', 'b', 'ä', '😀'];
const values = [null, true, 0, -1.5, 'text', '', [], [1, [2]], {}, { a: {} }, { b: { a: 1 } }];

/** A form or a board: a JSON document. */
export class JsonEditor {
  static policy = 'json';
  static rebase = jsonRebase;
  static logsEachEdit = true;
  static contentOfDatabase = ({ document }) => JSON.parse(document);

  constructor(session) {
    this.adapter = new JsonStore(session);
  }

  get content() {
    return this.adapter.value;
  }

  edit(random) {
    const path = Array.from({ length: 1 + random(3) }, () => names[random(names.length)]);
    if (random(4) === 0) this.adapter.delete(path);
    else this.adapter.set(path, values[random(values.length)]);
  }
}

export const schema = new Schema({
  nodes: { doc: { content: 'paragraph+' }, paragraph: { content: 'text*', toDOM: () => ['p', 0] }, text: {} },
  marks: { strong: { toDOM: () => ['strong', 0] } },
});
const emptyPage = schema.node('doc', null, [schema.node('paragraph')]);

/** An editor of rich text, with ProseMirror. */
export class RichTextEditor {
  static policy = 'cas';
  static rebase = stepRebase(schema, emptyPage);
  static logsEachEdit = false; // a step whose place was deleted is dropped
  static contentOfDatabase({ log }) {
    return log.reduce((page, { operation }) => documentAfter(page, operation), emptyPage).toJSON();
  }

  constructor(session) {
    this.session = session;
    this.view = {
      state: ProseMirrorState.create({ doc: documentOfProseMirror(session, schema, emptyPage), plugins: [collaborationOfProseMirror(session)] }),
      dispatch(transaction) {
        this.state = this.state.apply(transaction);
      },
    };
    this.adapter = new ProseMirrorEditor(session, this.view);
  }

  get content() {
    return this.view.state.doc.toJSON();
  }

  edit(random) {
    const { tr, doc } = this.view.state;
    const places = [];
    doc.forEach(({ content }, offset) => {
      for (let at = 0; at <= content.size; at++) places.push(offset + 1 + at);
    });
    const at = [places[random(places.length)], places[random(places.length)]].sort((one, other) => one - other);
    const to = Math.min(at[1], at[0] + 8);
    const kind = random(5);
    if (kind === 0 && doc.childCount < 6) tr.split(at[0]);
    else if (kind === 1 && to > at[0]) tr.delete(at[0], to);
    else if (kind === 2 && to > at[0]) tr.addMark(at[0], to, schema.marks.strong.create());
    else tr.insertText(['x', 'yz ', 'ö', '中'][random(4)], at[0]); // no pairs, which another may cut
    this.view.dispatch(tr);
    this.session.changed();
  }
}

/** A document of Yjs with a text and a map. */
export class YjsEditor {
  static policy = 'append';
  static metadata = { format: 'yjs' };
  static logsEachEdit = false; // those of a while are one update
  static contentOfDatabase({ log }) {
    const doc = new Y.Doc();
    for (const { operation } of log) Y.applyUpdate(doc, Buffer.from(operation.update, 'base64'));
    return YjsEditor.#contentOf(doc);
  }

  /** `doc`: what was there before a reload, as a store in the browser keeps it. */
  constructor(session, { doc = new Y.Doc() } = {}) {
    this.doc = doc;
    this.adapter = new YjsProvider(session, doc);
  }

  static #contentOf = (doc) => ({ text: doc.getText('text').toJSON(), map: doc.getMap('map').toJSON() });

  get content() {
    return YjsEditor.#contentOf(this.doc);
  }

  edit(random) {
    const text = this.doc.getText('text');
    const at = position(text.toString(), random);
    if (random(4) === 0) this.doc.getMap('map').set(names[random(names.length)], random(100));
    else if (random(3) === 0 && at < text.length) text.delete(at, wholeCharacters(text.toString(), Math.min(text.length, at + 5)) - at);
    else text.insert(at, pieces[random(pieces.length)]);
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
const heartbeatIntervalMs = 1000;

/** A user with one editor of a session. */
export class Author {
  edits = 0;
  acknowledged = [];
  connection = [];
  refusals = [];
  kept = [];
  received = { frames: 0, bytes: 0 };
  #isOffline = false;
  #socket = null;
  #stop;

  /**
   * `client`: phoenix or realtime-js. `network`: what stands between. Without `random` the network does as it is told. `storage`:
   * what keeps unsaved edits over a reload. `before`: the editor before a reload.
   */
  static async join(Editor, { bridge, user, room, random, client = 'phoenix', network = (transport) => transport, storage, snapshotEvery }, before = undefined) {
    const author = new Author();
    author.user = user;
    author.random = random;
    const server = { url: bridge.url, token: () => bridge.token({ sub: user }), timeout };
    const state = await eventually(`${user} joins`, () => enterSession(server, room));
    const onRefused = (error, operations) => author.refusals.push({ code: error.code, operations });
    const kept = storage && new KeptEdits(storage, Editor.rebase);
    if (kept) await submitUnsaved(server, state, kept, onRefused);
    const transport = network(client === 'phoenix' ? author.#overPhoenix(bridge, server) : author.#overRealtime(bridge, server));
    const session = new Session(random ? unreliable(transport, random, author.acknowledged) : transport, state, {
      onConnection: (...report) => author.connection.push(report),
      onKept: (report) => author.kept.push(report),
      onRefused,
      ...(kept && { kept }),
      ...(snapshotEvery && { snapshotEvery }),
    });
    author.session = session;
    author.editor = new Editor(session, before);
    return author;
  }

  /** A WebSocket that reaches nothing while the author is offline. */
  #Transport() {
    const author = this;
    return class extends WebSocket {
      constructor(address, protocols) {
        super(author.#isOffline ? 'ws://127.0.0.1:1' : address, protocols, { handshakeTimeout: timeout }); // browsers give up too
        author.#socket = this;
        this.on('message', (data) => {
          author.received.frames += 1;
          author.received.bytes += data.length;
        });
      }
    };
  }

  #overPhoenix(bridge, server) {
    const socket = new Socket(bridge.websocketUrl('/socket'), {
      transport: this.#Transport(), authToken: server.token(), reconnectAfterMs: soon, rejoinAfterMs: soon, heartbeatIntervalMs, timeout });
    socket.connect();
    this.#stop = () => new Promise((resolve) => socket.disconnect(resolve));
    return overPhoenix(socket);
  }

  #overRealtime(bridge, server) {
    const client = new RealtimeClient(bridge.websocketUrl(), {
      params: { apikey: bridge.anonKey }, accessToken: server.token, transport: this.#Transport(), reconnectAfterMs: soon, heartbeatIntervalMs, timeout });
    // Its own disconnect() leaves a timer of ten seconds, and a channel that has ended one of fifty.
    this.#stop = () => {
      client._cancelPendingDisconnect();
      return new Promise((resolve) => client.socketAdapter.getSocket().disconnect(resolve));
    };
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
    return this.editor.adapter.isSaved;
  }

  async close() {
    this.session.close();
    await this.#stop();
  }
}
