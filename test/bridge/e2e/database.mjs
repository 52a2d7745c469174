// Owns the databases of the end-to-end tests: the extension, the roles and the topic rules a test needs in them.
// Worker mode exists only in the database the cluster names, so tests of that mode share it and use topics of their
// own; tests of the in-transaction mode make a database each. Both modes are promised the same, so both are tested.
import { describe } from 'node:test';
import pg from 'pg';
import { eventually, uniqueName } from './support.mjs';

export const modes = ['worker', 'in-transaction'];

/** Runs `define(mode)` once for each way of publishing, inside a suite named after it, with the suite's `options`. */
export function inEachMode(define, options = {}) {
  for (const mode of modes) describe(`${mode} mode`, options, () => define(mode));
}

/** An order of JSON values that both sides of a comparison can be put in. */
export const byText = (one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other));

const roles = `
do $$
declare
  name text;
begin
  foreach name in array array['anon', 'authenticated', 'service_role', 'live_bridge'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = name) then
      execute format('create role %I %s noinherit', name, case when name = 'live_bridge' then 'login' else '' end);
    end if;
  end loop;
end $$`;

const install = `
create extension if not exists pg_live;
select live.grant_client('anon'), live.grant_client('authenticated'), live.grant_client('service_role'), live.grant_bridge('live_bridge')`;

/** A database with the extension in it and a superuser's connection to it. Made by openDatabase(). */
export class Database {
  #connections = [];

  constructor(mode, server, encoding) {
    this.mode = mode;
    this.encoding = encoding;
    this.server = server;
    this.name = mode === 'worker' ? server.database : uniqueName('e2e');
    this.bridgeConninfo = `host=${server.host} port=${server.port} user=live_bridge dbname=${this.name}`;
  }

  async open() {
    await this.#alone(async (server) => {
      await server.query(roles);
      if (this.mode !== 'worker') await server.query(`create database ${this.name} ${this.encoding ? `template template0 encoding '${this.encoding}' locale 'C'` : ''}`);
      this.main = await this.connect();
      await this.query(install);
    });
    await eventually(`database ${this.name} is in ${this.mode} mode`, async () => {
      const { rows } = await this.query("select live.status()->>'mode' as mode");
      return rows[0].mode === this.mode;
    });
  }

  /** Roles and grants to them belong to the whole cluster: one test file at a time changes them. */
  #alone(work) {
    return this.#withServer(async (server) => {
      await server.query("select pg_advisory_lock(hashtext('pg_live end to end'))");
      await work(server);
    });
  }

  /** Makes a role that may be a bridge. */
  makeBridgeRole(role, options = 'login') {
    return this.#alone(() => this.query(`create role ${role} ${options} noinherit; select live.grant_bridge('${role}')`));
  }

  /** Makes a role that tokens may name, like service_role. */
  makeClientRole(role) {
    return this.#alone(() => this.query(`create role ${role}; select live.grant_client('${role}')`));
  }

  dropRole(role) {
    return this.#alone(() => this.query(`drop owned by ${role}; drop role ${role}`));
  }

  async #withServer(work) {
    const server = new pg.Client(this.server);
    await server.connect();
    try {
      return await work(server);
    } finally {
      await server.end();
    }
  }

  /** Acts as a signed-in user, in one statement; returns the rows. `call` is an expression. */
  async as(user, call) {
    const { rows } = await this.query(
      `with claims as materialized (select set_config('request.jwt.claims', $1, false)) select ${call} as value from claims`,
      [JSON.stringify({ sub: user, role: 'authenticated' })],
    );
    return rows;
  }

  /** Who is in a channel, as a viewer sees it, in the form of Subscription.members(). */
  async channelMembers(topic, viewer = 'observer') {
    const { rows } = await this.query(
      `with claims as materialized (select set_config('request.jwt.claims', $2, false))
       select m.key, m.meta from claims, live.channel_members($1) as m`, [topic, JSON.stringify({ sub: viewer })]);
    const members = {};
    for (const { key, meta } of rows) (members[key] ??= []).push(meta);
    for (const metas of Object.values(members)) metas.sort(byText);
    return members;
  }

  /** Makes a session with these participants, the first of them its owner; returns its id. */
  async makeSession(...users) {
    const { rows: [{ id }] } = await this.query(
      'insert into live.collaboration_sessions (room_name, created_by) values ($1, $2) returning id', [uniqueName('room'), users[0]]);
    await this.query('insert into live.session_participants (session_id, user_id) select $1, unnest($2::text[])', [id, users]);
    return id;
  }

  /** One more connection, for a transaction that stays open beside others. Closed with the database. */
  async connect() {
    const connection = new pg.Client({ ...this.server, database: this.name });
    // A test may restart the server under an idle connection; what a test does with it reports the error itself.
    connection.on('error', () => {});
    await connection.connect();
    this.#connections.push(connection);
    return connection;
  }

  /** A new main connection, after the server was away. Rejects while it still is. */
  async reconnect() {
    this.main = await this.connect();
    return this.main;
  }

  query(text, values) {
    return this.main.query(text, values);
  }

  /** Emits one event as the owner of the data would, in a transaction of its own. */
  async emit(topic, event, payload = {}, durable = true) {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    await this.query('select live.emit($1, $2, $3::jsonb, $4)', [topic, event, text, durable]);
  }

  /**
   * Makes a namespace of topics of the caller's own and returns its prefix: `prefix:anything`. Who may receive and send
   * there is said in SQL over `topic` and live.user_id().
   */
  async topics({ receive = 'true', send = 'true' } = {}) {
    const prefix = uniqueName('t');
    await this.query(`
      create schema ${prefix};
      grant usage on schema ${prefix} to anon, authenticated;
      create function ${prefix}.receive(topic text) returns boolean language sql stable as $f$ select ${receive} $f$;
      create function ${prefix}.send(topic text) returns boolean language sql stable as $f$ select ${send} $f$;
      select live.set_topic_rule('${prefix}:*', '${prefix}.receive(text)'::regprocedure, '${prefix}.send(text)'::regprocedure)`);
    return prefix;
  }

  async close() {
    for (const connection of this.#connections) await connection.end().catch(() => {});
    if (this.mode !== 'worker') {
      await this.#withServer((server) => server.query(`drop database ${this.name} with (force)`));
    }
  }
}

const serverOfRunner = () => ({
  host: process.env.PGHOST,
  port: Number(process.env.PGPORT),
  user: process.env.PGUSER,
  database: process.env.PGDATABASE,
});

/** Opens the runner's shared database (worker mode) or makes one (in-transaction mode). */
export async function openDatabase(mode = 'worker', server = serverOfRunner(), encoding) {
  const database = new Database(mode, server, encoding);
  await database.open();
  return database;
}
