// Owns the whole list of npm clients, those of clients.mjs and more, for client_matrix.test.mjs: a file of its own, since
// other tests need not load them all.
import { createClient } from '@supabase/supabase-js';
import * as phoenix16 from 'phoenix-1.6';
import * as phoenix17 from 'phoenix-1.7';
import { RealtimeClient as Realtime2109 } from 'realtime-js-2.109';
import { RealtimeClient as Realtime211 } from 'realtime-js-2.11';
import { clients, PhoenixConnection, realtime, RealtimeConnection } from './clients.mjs';

const supabase = (bridge, token) =>
  new RealtimeConnection(
    (at, accessToken, transport) => createClient(at.url, at.anonKey, { accessToken, realtime: { transport } }).realtime, bridge, token);

/**
 * `forgetsTopics`: connects again after a break, but joins no topic of before (2.11 ends their timers when it reconnects).
 * `keepsGhosts`: shows metas that were replaced (2.100 to 2.110.8, supabase-js#2566), whatever the server says.
 */
export const allClients = [
  { name: 'realtime-js 2.11.15 (serializer 1.0.0)', binary: false, forgetsTopics: true, connect: realtime(Realtime211) },
  ...clients.slice(0, 2),
  { name: 'realtime-js 2.109', binary: true, keepsGhosts: true, connect: realtime(Realtime2109) },
  clients[2],
  { name: 'supabase-js 2.119', binary: true, connect: supabase },
  { name: 'phoenix 1.6', binary: false, connect: (bridge, token) => new PhoenixConnection(phoenix16, bridge, token) },
  { name: 'phoenix 1.7', binary: false, connect: (bridge, token) => new PhoenixConnection(phoenix17, bridge, token) },
  clients[3],
];
