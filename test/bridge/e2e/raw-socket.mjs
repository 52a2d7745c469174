// Owns a WebSocket that speaks the Phoenix protocol by hand, in both serializers, for what no npm client can say or see:
// exact bytes, references, the order of frames, close codes.
import WebSocket from 'ws';
import { eventually } from './support.mjs';

/** Splits one frame of the bridge into its parts; `text` is the frame as it came. Throws on a frame no client could read. */
function decode(data, isBinary, vsn) {
  if (isBinary) return decodeUserBroadcast(data);
  const text = data.toString('utf8');
  const value = JSON.parse(text);
  if (vsn === '1.0.0') {
    return { joinRef: value.join_ref ?? null, ref: value.ref, topic: value.topic, event: value.event, payload: value.payload, text };
  }
  if (!Array.isArray(value) || value.length !== 5) throw new Error(`not a frame of serializer 2.0.0: ${text.slice(0, 200)}`);
  const [joinRef, ref, topic, event, payload] = value;
  return { joinRef, ref, topic, event, payload, text };
}

/** Kind 4: 1-byte lengths of topic, event and metadata, the encoding, then the parts and the payload. */
function decodeUserBroadcast(data) {
  if (data[0] !== 4) throw new Error(`binary frame of kind ${data[0]}, which no realtime-js can read`);
  const [, topicLength, eventLength, metadataLength, encoding] = data;
  let offset = 5;
  const take = (length) => data.subarray(offset, (offset += length)).toString('utf8');
  const topic = take(topicLength);
  const event = take(eventLength);
  const metadata = take(metadataLength);
  const body = data.subarray(offset);
  const payload = encoding === 1 ? JSON.parse(body.toString('utf8')) : body;
  const meta = metadata ? JSON.parse(metadata) : undefined;
  return { joinRef: null, ref: null, topic, event: 'broadcast', payload: { type: 'broadcast', event, payload, meta }, binary: true };
}

/** Kind 3: what realtime-js sends for channel.send() under serializer 2.0.0. */
export function userBroadcastPush({ joinRef, ref, topic, event, payload, metadata = '' }) {
  const parts = [joinRef, ref, topic, event, metadata].map((part) => Buffer.from(part));
  const isBinary = Buffer.isBuffer(payload);
  const head = Buffer.from([3, ...parts.map((part) => part.length), isBinary ? 0 : 1]);
  return Buffer.concat([head, ...parts, isBinary ? payload : Buffer.from(JSON.stringify(payload))]);
}

export class RawSocket {
  frames = [];
  closed = null;
  problem = null;

  constructor(socket, vsn) {
    this.socket = socket;
    this.vsn = vsn;
    socket.on('message', (data, isBinary) => {
      try {
        this.frames.push(decode(data, isBinary, vsn));
      } catch (error) {
        this.problem ??= error;
      }
    });
    socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    socket.on('error', (error) => (this.problem ??= error));
  }

  /** Opens a socket as realtime-js would; `token` goes where the API key goes. Rejects with `status` and `body` if refused. */
  static async open(bridge, { token = bridge.token(), vsn = '2.0.0', path = '/realtime/v1/websocket', options = {} } = {}) {
    const query = new URLSearchParams({ ...(token === null ? {} : { apikey: token }), ...(vsn === null ? {} : { vsn }) });
    const socket = new WebSocket(`${bridge.websocketUrl(path)}?${query}`, { ca: bridge.ca, ...options });
    // Listening from the first moment on: a frame may come in the same packet as the answer to the upgrade.
    const raw = new RawSocket(socket, vsn ?? '1.0.0');
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
      socket.once('unexpected-response', (_request, response) => {
        const pieces = [];
        response.on('data', (piece) => pieces.push(piece));
        response.on('end', () => {
          const error = new Error(`refused with status ${response.statusCode}`);
          reject(Object.assign(error, { status: response.statusCode, body: Buffer.concat(pieces).toString('utf8') }));
        });
      });
    });
    return raw;
  }

  send(joinRef, ref, topic, event, payload) {
    const frame =
      this.vsn === '1.0.0' ? { topic, event, payload, ref, join_ref: joinRef } : [joinRef, ref, topic, event, payload];
    this.socket.send(JSON.stringify(frame));
  }

  sendRaw(data) {
    this.socket.send(data);
  }

  /** The first frame, from the beginning of the connection, for which `wanted` holds. */
  frame(what, wanted) {
    return eventually(what, () => {
      if (this.problem) throw this.problem;
      return this.frames.find(wanted);
    });
  }

  reply(ref) {
    return this.frame(`a reply to ${ref}`, (frame) => frame.event === 'phx_reply' && frame.ref === ref);
  }

  broadcasts(topic) {
    return this.frames.filter((frame) => frame.event === 'broadcast' && frame.topic === topic);
  }

  broadcast(topic, event) {
    return this.frame(`event ${event} on ${topic}`, (frame) =>
      frame.event === 'broadcast' && frame.topic === topic && frame.payload.event === event);
  }

  /** Joins a topic (wire name) and returns the reply. */
  async join(topic, { ref = '1', config = {}, ...rest } = {}) {
    this.send(ref, ref, topic, 'phx_join', { config: { private: true, ...config }, ...rest });
    return this.reply(ref);
  }

  /** True while the bridge still answers on this connection. */
  async answers(ref = `alive-${this.frames.length}`) {
    this.send(null, ref, 'phoenix', 'heartbeat', {});
    return (await this.reply(ref)).payload.status === 'ok';
  }

  untilClosed() {
    return eventually('the connection is closed', () => this.closed);
  }

  close() {
    this.socket.terminate();
  }
}
