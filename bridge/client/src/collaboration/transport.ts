// Owns what a session needs of a connection to the bridge, over a socket of `phoenix` or a client of realtime-js.
import type { SessionState } from './editor';

export interface ChannelListener {
  /** The channel is joined, for the first time or again. */
  joined(): void;
  /** The user may not join. The transport tries again until it is closed. */
  refused(reason: string | null): void;
  /** The connection broke, or the join failed for now; the transport tries again. */
  lost(reason: string | null): void;
  /** The channel is closed for good. */
  ended(reason: string | null): void;
  event(name: string, payload: unknown): void;
}

export interface Transport {
  /** Joins the channel of a session. */
  open(sessionId: string, listener: ChannelListener): void;
  /** Runs a command there; rejects with CommandError, without a code if it is not known what became of it. */
  push(command: string, payload: object): Promise<unknown>;
  close(): void;
  /** True: it brings no events, so what is in the log has to be read. */
  readonly isSilent?: boolean;
}

/** Why a command was not carried out. `code`: the SQLSTATE. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly code: string | null = null,
  ) {
    super(message);
  }

  /**
   * True: the same command would be refused again. False for a lost answer, and for what passes: a database that is away, busy or
   * out of memory, a lock, limits of rate, a token that has expired.
   */
  get isFinal(): boolean {
    return this.code !== null && !/^(08|25006|28|40|53|55P03|57|58|XX)/.test(this.code);
  }
}

/** SQLSTATE for who may not receive on the channel: the user was removed, or the session has ended. */
const noRight = '42501';

const refusal = ({ reason, code }: { reason?: string; code?: string } = {}) => new CommandError(reason ?? 'refused', code ?? null);

export interface Server {
  /** Address of the bridge, http(s)://host:port. */
  url: string;
  /** The JSON Web Token of the user; asked again for each request. */
  token(): string | Promise<string>;
  /** Milliseconds in which it has to answer, 10,000 if not given: a network that breaks silently tells nothing. */
  timeout?: number;
}

async function request(server: Server, method: 'GET' | 'POST', path: string, body: object): Promise<unknown> {
  const isRead = method === 'GET';
  const query = isRead ? `?${new URLSearchParams(Object.entries(body).map(([name, value]) => [name, String(value)]))}` : '';
  const headers = { Authorization: `Bearer ${await server.token()}`, ...(isRead ? {} : { 'Content-Type': 'application/json' }) };
  const lost = (error: Error) => {
    throw new CommandError(error.message);
  };
  const signal = AbortSignal.timeout(server.timeout ?? 10_000);
  const response = await fetch(`${server.url}/api/collaboration/${path}${query}`, {
    method,
    headers,
    signal,
    ...(isRead ? {} : { body: JSON.stringify(body) }),
  }).catch(lost);
  const answer = await response.json().catch((error: Error) => (response.ok ? lost(error) : {}));
  if (!response.ok) throw refusal({ reason: answer.error ?? answer.message, code: answer.code });
  return answer;
}

/** Makes the user a participant of a session, and returns its state. */
export const enterSession = (server: Server, room: { room_name: string; create_if_missing?: boolean } | { session_id: string }) =>
  request(server, 'POST', 'join', room) as Promise<SessionState>;

/** The commands of a session that have a route. */
const routes: Record<string, ['GET' | 'POST', string]> = {
  'collab:edit': ['POST', 'edit'],
  'collab:operations': ['GET', 'operations'],
  'collab:snapshot': ['POST', 'snapshot'],
};

function pushByRequest(server: Server, session_id: string, command: string, payload: object): Promise<unknown> {
  const [method, path] = routes[command]!;
  return request(server, method, path, { session_id, ...payload });
}

/** A transport that needs no channel. It hears nothing of others. */
export function overHttp(server: Server): Transport {
  let id: string;
  return {
    isSilent: true,
    open(sessionId, listener) {
      id = sessionId;
      listener.joined();
    },
    push: (command, payload) => pushByRequest(server, id, command, payload),
    close() {},
  };
}

interface PhoenixPush {
  receive(status: string, callback: (response?: { reason?: string; code?: string }) => void): PhoenixPush;
}

/** What is used of a channel of `phoenix`. */
interface PhoenixChannel {
  join(): PhoenixPush;
  leave(): PhoenixPush;
  on(event: string, callback: (message: { event: string; payload: unknown }) => void): unknown;
  onError(callback: () => void): unknown;
  onClose(callback: () => void): unknown;
  push(event: string, payload: object): PhoenixPush;
}

/** A transport over a `Socket` of `phoenix` 1.7 or newer, to wss://host/socket. */
export function overPhoenix(socket: { channel(topic: string, params: object): PhoenixChannel }): Transport {
  let channel: PhoenixChannel;
  /** Commands whose answer has not come: with the connection it is lost. */
  const waiting = new Set<(error: CommandError) => void>();
  return {
    open(sessionId, listener) {
      const lose = (reason: string) => {
        for (const reject of waiting) reject(new CommandError(reason));
        waiting.clear();
      };
      channel = socket.channel(`session:${sessionId}`, { config: { private: true } });
      channel.on('broadcast', ({ event, payload }) => listener.event(event, payload));
      channel.onError(() => {
        lose('the connection broke');
        listener.lost('the connection broke');
      });
      channel.onClose(() => {
        lose('the channel is closed');
        listener.ended('the channel is closed');
      });
      channel
        .join()
        .receive('ok', () => listener.joined())
        .receive('error', (response) => {
          if (response?.code === noRight) listener.refused(response.reason ?? null);
          else listener.lost(response?.reason ?? null);
        });
    },
    push: (command, payload) =>
      new Promise((resolve, reject) => {
        const settle = (work: () => void) => {
          waiting.delete(reject);
          work();
        };
        waiting.add(reject);
        channel
          .push(command, payload)
          .receive('ok', (response) => settle(() => resolve(response)))
          .receive('error', (response) => settle(() => reject(refusal(response))))
          .receive('timeout', () => settle(() => reject(new CommandError('no answer in time'))));
      }),
    close() {
      channel.leave();
    },
  };
}

/** What is used of a channel of realtime-js. */
interface RealtimeChannel {
  on(type: 'broadcast', filter: { event: '*' }, callback: (message: { event: string; payload?: unknown }) => void): RealtimeChannel;
  subscribe(callback: (status: string, error?: Error) => void): RealtimeChannel;
  send(message: { type: string; payload: object }): Promise<unknown>;
  unsubscribe(): Promise<unknown>;
}

/** A transport over a client of realtime-js or supabase-js. Its channels do not tell the answer to a command, so commands go by HTTP. */
export function overRealtime(client: { channel(topic: string, options: { config: { private: true } }): unknown }, server: Server): Transport {
  let id = '';
  let channel: RealtimeChannel;
  return {
    open(sessionId, listener) {
      id = sessionId;
      channel = client.channel(`session:${id}`, { config: { private: true } }) as RealtimeChannel;
      channel.on('broadcast', { event: '*' }, ({ event, payload }) => listener.event(event, payload)).subscribe((status, error) => {
        if (status === 'SUBSCRIBED') listener.joined();
        else if (status === 'CLOSED') listener.ended(error?.message ?? null);
        else if (error?.message.includes(noRight)) listener.refused(error.message);
        else listener.lost(error?.message ?? null);
      });
    },
    push(command, payload) {
      if (command in routes) return pushByRequest(server, id, command, payload);
      return channel.send({ type: command, payload });
    },
    close() {
      void channel.unsubscribe();
    },
  };
}
