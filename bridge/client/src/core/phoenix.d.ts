// What is used of the npm package `phoenix`, which brings no types.
declare module 'phoenix' {
  export class Push {
    receive(status: 'ok' | 'error' | 'timeout', callback: (response: { reason?: string; code?: string; resume?: string } | undefined) => void): this;
  }
  export class Channel {
    join(): Push;
    leave(): Push;
    on(event: string, callback: (message: never) => void): number;
    onError(callback: (reason: unknown) => void): number;
    onClose(callback: () => void): void;
    push(event: string, payload: object, timeout?: number): Push;
  }
  export interface SocketOptions {
    authToken?: () => string;
    params?: () => object;
    heartbeatIntervalMs?: number;
    reconnectAfterMs?: (tries: number) => number;
    rejoinAfterMs?: (tries: number) => number;
    transport?: unknown;
    decode?: (message: unknown, callback: (decoded: unknown) => void) => void;
  }
  export class Socket {
    constructor(address: string, options?: SocketOptions);
    connect(): void;
    disconnect(callback?: () => void, code?: number, reason?: string): void;
    channel(topic: string, params: object | (() => object)): Channel;
    isConnected(): boolean;
    ping(callback: (milliseconds: number) => void): boolean;
    onOpen(callback: () => void): string;
    onClose(callback: (event: CloseEvent) => void): string;
    onError(callback: (error: unknown) => void): string;
  }
}
