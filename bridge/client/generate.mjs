// Makes src/core/contract.ts: the types of all commands, routes and events, from the bridge's table of commands
// (bridge/api/commands.cpp) and the types and functions of an installed extension. What neither of them says, which answer a
// command has and which members an event, stands here; a command without an answer, and an argument without a type, is an error.
//
//   node generate.mjs    asks psql, with its environment: PGHOST, PGPORT, PGDATABASE
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const commandTable = new URL('../api/commands.cpp', import.meta.url);
const made = new URL('src/core/contract.ts', import.meta.url);

/** TypeScript's names of the enums and of the rows of functions and views; `nullable`: columns that can be NULL. */
const enums = ['activity_visibility', 'device_type', 'merge_policy', 'participant_role', 'presence_mode', 'presence_status'];
const rows = {
  Presence: { of: 'presence', nullable: ['custom_status', 'last_active_at', 'last_seen_at'] },
  OnlineUser: { of: 'get_online_users', without: ['cursor'], nullable: ['custom_status', 'last_seen_at'] },
  Activity: { of: 'get_feed_activities', nullable: ['entity_type', 'entity_id', 'session_id'] },
  Notification: { of: 'get_notifications', nullable: ['entity_type', 'entity_id', 'session_id'] },
  FeedGroup: { of: 'get_feed_groups', nullable: ['entity_type', 'entity_id'] },
  TrendingEntity: { of: 'get_trending', nullable: [] },
  SessionSummary: { of: 'get_sessions', nullable: ['role'] },
  LoggedOperation: { of: 'get_operations', nullable: [] },
};

/** What the SQL of a command returns. */
const answers = {
  kUpdatePresence: 'Presence',
  kSetTyping: 'null',
  kHeartbeat: 'Presence',
  kGetPresence: 'Presence | null',
  kGoOffline: 'null',
  kGetOnlineUsers: '{ users: OnlineUser[]; next: string | null }',
  kLogActivity: 'Activity',
  kDeleteActivity: 'null',
  kMarkSeen: 'null',
  kMarkRead: 'null',
  kFollow: 'null',
  kUnfollow: 'null',
  kGetFeed: '{ activities: Activity[]; next: string | null }',
  kGetHomeFeed: '{ activities: Activity[]; next: string | null }',
  kGetNotifications: '{ activities: Notification[]; next: string | null; unread: number }',
  kGetFeedGroups: '{ groups: FeedGroup[]; next: string | null }',
  kGetTrending: '{ entities: TrendingEntity[] }',
  kJoinSession: 'SessionDetails',
  kLeaveSession: 'null',
  kSubmitOperations: 'Submitted',
  kMoveCursor: 'null',
  kSaveSnapshot: 'null',
  kGetOperations: '{ operations: LoggedOperation[]; head: number | null }',
  kGetSession: 'SessionDetails',
  kGetDocument: '{ session_id: string; version: number; document: string }',
  kGetSessions: '{ sessions: SessionSummary[]; next: string | null }',
};

/** Arguments that no parameter of a function of that name has, or that have another form in a command. */
const argumentTypes = {
  limit: 'number', type: 'string', status: 'string', direction: "'forwards' | 'backwards'", is_public: 'boolean',
  ids: 'readonly number[]', id: 'number', version: 'number', snapshot: 'string', operations: 'readonly unknown[]',
  audience: 'readonly string[]', active: 'boolean',
};
const argumentTypesOf = {
  kUpdatePresence: { status: 'PresenceStatus' },
  kMoveCursor: { cursor: 'object | null' },
  kGetFeed: { metadata: 'string' },
};
const paged = { cursor: 'string' };
const required = {
  kLogActivity: ['activity_type'], kDeleteActivity: ['id'], kFollow: ['user_id'], kUnfollow: ['user_id'], kMoveCursor: ['cursor'],
  kSubmitOperations: ['base_version', 'operations', 'client_id'], kSaveSnapshot: ['version', 'snapshot'],
};

const fixed = `/** Who is in a session. */
export interface Participant {
  user_id: string;
  role: ParticipantRole;
  joined_at: string;
  is_active: boolean;
}

/** Where a participant is, in the app's own words; null: nowhere any more. */
export interface SessionCursor {
  user_id: string;
  client_id: string | null;
  cursor: unknown;
}

/** The state of a session, as live.get_session() returns it. */
export interface SessionDetails {
  session_id: string;
  room_name: string;
  policy: MergePolicy;
  head: number;
  is_read_only: boolean;
  role: ParticipantRole;
  document: unknown;
  participants: Participant[];
  cursors: SessionCursor[];
  position: string | null;
  snapshot?: string | null;
  snapshot_version?: number | null;
  operations?: LoggedOperation[];
}

/** What became of a submission, as live.submit_operations() returns it. */
export interface Submitted {
  status: 'accepted' | 'stale' | 'duplicate';
  head: number;
  first_version?: number;
  last_version?: number;
  operations?: LoggedOperation[];
}

/** A change of a user's presence. */
export interface PresenceChange {
  user_id: string;
  status: PresenceStatus;
  previous_status: PresenceStatus;
  custom_status: string | null;
  device_type: DeviceType;
  last_seen_at: string | null;
}

/** Events by name. On a topic of the app's own there are others. */
export interface Events {
  'presence:update': PresenceChange;
  'typing:indicator': { location: string; user_ids: string[] };
  'activity:new': Activity;
  'activity:deleted': { id: number };
  'notification:new': Activity;
  'notification:count': { unread: number };
  'access:revoked': { topic: string; reason: string };
  'collab:user_joined': { session_id: string; user_id: string; role: ParticipantRole };
  'collab:user_left': { session_id: string; user_id: string; role: ParticipantRole };
  'collab:user_changed': { session_id: string; user_id: string; role: ParticipantRole; is_active: boolean };
  'collab:edit': { session_id: string; version: number; user_id: string; client_id: string; operation: unknown };
  'collab:cursor': SessionCursor & { session_id: string };
  'collab:cursors': { session_id: string; cursors: SessionCursor[] };
  'collab:ended': { session_id: string };
}
`;

/** Columns of the rows, types of the parameters of functions, and values of the enums of schema live. */
const catalog = `
select json_build_object(
  'enums', (select json_object_agg(t.typname, (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid))
            from pg_type t where t.typnamespace = 'live'::regnamespace and t.typtype = 'e'),
  'columns', (select json_object_agg(name, columns) from (
      select p.proname as name, json_agg(json_build_array(a.name, a.type::regtype::text) order by a.place) as columns
      from pg_proc p, unnest(p.proargnames, p.proallargtypes, p.proargmodes) with ordinality as a (name, type, mode, place)
      where p.pronamespace = 'live'::regnamespace and a.mode = 't' group by p.oid, p.proname
      union all
      select 'presence', json_agg(json_build_array(attname, atttypid::regtype::text) order by attnum)
      from pg_attribute where attrelid = 'live.presence'::regclass and attnum > 0 and not attisdropped) as of_row),
  'parameters', (select json_object_agg(name, type) from (
      select distinct on (a.name) a.name, a.type::regtype::text as type
      from pg_proc p, unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[]),
                             coalesce(p.proargmodes, array_fill('i'::"char", array[coalesce(cardinality(p.proargnames), 0)]))) as a (name, type, mode)
      where p.pronamespace = 'live'::regnamespace and a.mode = 'i' and a.type::regtype::text !~ '^any' order by a.name, a.type::regtype::text) as of_parameter))`;

const pascal = (name) => name.replace(/(?:^|_)([a-z])/g, (_, letter) => letter.toUpperCase());

function typeOf(sql) {
  const name = sql.replace(/^live\./, '');
  if (name.endsWith('[]')) return `${typeOf(name.slice(0, -2))}[]`;
  if (enums.includes(name)) return pascal(name);
  if (['bigint', 'integer', 'double precision'].includes(name)) return 'number';
  if (['text', 'uuid', 'timestamp with time zone', 'name'].includes(name)) return 'string';
  if (name === 'boolean') return 'boolean';
  if (name === 'jsonb') return 'unknown';
  throw new Error(`a type of SQL without one of TypeScript: ${sql}`);
}

/** The table of commands: [{sql, event, method, path, parameters}]. */
export async function readCommands() {
  const source = await readFile(commandTable, 'utf8');
  const parameters = Object.fromEntries(
    [...source.matchAll(/constexpr std::array (k\w+) = \{(.*?)\};/gs)].map(([, name, list]) => [name, [...list.matchAll(/\w+\("(\w+)"\)/g)].map(([, each]) => each)]),
  );
  const table = /kCommands = std::to_array<CommandEntry>\(\{(.*?)\n\}\);/s.exec(source)?.[1] ?? '';
  const names = Object.fromEntries([...(await readFile(new URL('commands.hpp', commandTable), 'utf8')).matchAll(/(k\w+Event) = "([^"]+)"/g)].map(([, name, event]) => [name, event]));
  const commands = table.split(/^ {4}(?=\{)/m).slice(1).map((entry) => {
    const words = [...entry.matchAll(/"([^"]*)"|(k\w+)|CommandKind::(\w+)/g)];
    const [event, method, path] = words.map(([, text, constant]) => text ?? names[constant]);
    const [sql, of] = words.slice(3).flatMap(([, , constant]) => constant ?? []);
    return { event, method, path, sql, parameters: parameters[of] };
  });
  if (commands.length === 0) throw new Error('commands.cpp has no table of commands');
  for (const { sql, event, parameters: found } of commands) if (!found || event === undefined) throw new Error(`${sql}: its parameters or its event are not found`);
  return commands;
}

function argumentsOf({ sql, parameters }, ofFunctions) {
  const members = parameters.map((name) => {
    const type = argumentTypesOf[sql]?.[name] ?? argumentTypes[name] ?? (name === 'cursor' ? paged.cursor : ofFunctions[name] && typeOf(ofFunctions[name]));
    if (!type) throw new Error(`${sql}: the argument ${name} has no type`);
    return `${name}${required[sql]?.includes(name) ? '' : '?'}: ${type}`;
  });
  return `{ ${members.join('; ')} }`;
}

function interfaceOf(name, commands, key, described) {
  const members = commands.map((command) => {
    if (!answers[command.sql]) throw new Error(`${command.sql} has no answer`);
    return `  '${key(command)}': { arguments: ${argumentsOf(command, described.parameters)}; answer: ${answers[command.sql]} };`;
  });
  return `export interface ${name} {\n${members.join('\n')}\n}\n`;
}

/** The text of contract.ts. `query` takes SQL and returns the JSON in its only row. */
export async function contract(query) {
  const described = await query(catalog);
  const commands = await readCommands();
  const parts = [
    '// Made by generate.mjs from the extension and the bridge: do not edit. The commands, routes and events, and what they carry.\n',
    enums.map((name) => `export type ${pascal(name)} = ${described.enums[name].map((value) => `'${value}'`).join(' | ')};\n`).join(''),
    ...Object.entries(rows).map(([name, row]) => {
      const columns = described.columns[row.of].filter(([column]) => !row.without?.includes(column));
      const members = columns.map(([column, type]) => `  ${column}: ${typeOf(type)}${row.nullable.includes(column) ? ' | null' : ''};`);
      return `/** A row of live.${row.of}. */\nexport interface ${name} {\n${members.join('\n')}\n}\n`;
    }),
    fixed,
    '/** Commands, pushed on a channel. */\n' + interfaceOf('Commands', commands.filter(({ event }) => event), ({ event }) => event, described),
    '/** Routes, by HTTP. */\n' + interfaceOf('Routes', commands.filter(({ method }) => method), ({ method, path }) => `${method} ${path}`, described),
  ];
  return parts.join('\n');
}

function psql(text) {
  const output = execFileSync('psql', ['--no-psqlrc', '--tuples-only', '--no-align', '--set', 'ON_ERROR_STOP=1', '--command', text], { encoding: 'utf8' });
  return JSON.parse(output);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(made, await contract(psql));
