// The core: connection, topics, commands and routes, without any state for interfaces.
export { CommandError } from '../collaboration/transport';
export { LiveClient, type ClientEvents, type ClientOptions, type ConnectionState } from './client';
export type * from './contract';
export { Emitter, type Unsubscribe } from './emitter';
export { isAfter } from './position';
export { LiveQuery, type QueryOptions } from './query';
export type { Answered, Arguments, Route } from './request';
export type { TokenSource } from './token';
export type { LiveEvent, TopicListener } from './topic';
