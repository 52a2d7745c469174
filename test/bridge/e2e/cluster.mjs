// Owns a private cluster for tests that stop, crash or cut what other tests share.
import { execFile } from 'node:child_process';
import { mkdtemp, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './support.mjs';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../cluster', import.meta.url));

/** A cluster whose database `postgres` is in worker mode, unless `lines` of its configuration say otherwise. `server` is what pg.Client wants. */
export class Cluster {
  static async start(...lines) {
    const cluster = new Cluster();
    cluster.directory = await mkdtemp(join(tmpdir(), 'pg_live_e2e.'));
    const settings = ["shared_preload_libraries = 'pg_live'", "pg_live.databases = 'postgres'", ...lines];
    const { stdout } = await run(script, ['start', cluster.directory, ...settings]);
    const [, port] = /PGPORT=(\d+)/.exec(stdout);
    cluster.server = { host: '127.0.0.1', port: Number(port), user: 'postgres', database: 'postgres' };
    return cluster;
  }

  /** Restarts the server on its port; `mode` as of pg_ctl: fast ends every session, immediate is a crash. */
  async restart(mode) {
    await this.#control('restart', `--mode=${mode}`, '--log', join(this.directory, 'log'));
  }

  /** Stops the server; resume() brings it back. */
  async pause() {
    await this.#control('stop', '--mode=fast');
  }

  async resume() {
    await this.#control('start', '--log', join(this.directory, 'log'), '--options', `-p ${this.server.port}`);
  }

  /** The server goes on as a standby without a primary, which can be read; promote() lets it take writes again. */
  async becomeStandby() {
    await this.pause();
    await writeFile(join(this.directory, 'data', 'standby.signal'), '', { mode: 0o644 });
    await this.resume();
  }

  async promote() {
    await this.#control('promote');
  }

  /** A cluster that follows this one, which it reaches at `port`, until it is promoted. */
  async startStandby(port = this.server.port) {
    const standby = new Cluster();
    standby.directory = await mkdtemp(join(tmpdir(), 'pg_live_e2e.'));
    if (process.getuid() === 0) await run('chown', ['postgres:', standby.directory]);
    standby.server = { ...this.server, port: await freePort() };
    await this.#run('pg_basebackup', '--dbname', `host=127.0.0.1 port=${port} user=postgres`, '--checkpoint=fast', '--no-sync',
      '--write-recovery-conf', '--pgdata', join(standby.directory, 'data'));
    await standby.resume();
    return standby;
  }

  /** Makes a base backup of the running server; restore() goes back to it. */
  async backUp() {
    const { host, port, user } = this.server;
    await this.#run('pg_basebackup', '--host', host, '--port', String(port), '--username', user, '--checkpoint=fast', '--no-sync',
      '--pgdata', join(this.directory, 'backup'));
  }

  async restore() {
    await this.pause();
    await rename(join(this.directory, 'data'), join(this.directory, 'later'));
    await rename(join(this.directory, 'backup'), join(this.directory, 'data'));
    await this.resume();
  }

  #control(action, ...options) {
    return this.#run('pg_ctl', action, '--wait', '--silent', '--pgdata', join(this.directory, 'data'), ...options);
  }

  /** Runs a program of the server as the cluster's owner. */
  async #run(program, ...given) {
    const { stdout } = await run(process.env.PG_CONFIG ?? 'pg_config', ['--bindir']);
    const owner = process.getuid() === 0 ? ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--init-groups', '--'] : [];
    const [command, ...rest] = [...owner, join(stdout.trim(), program), ...given];
    await run(command, rest, { cwd: '/' });
  }

  async stop() {
    await run(script, ['stop', this.directory]);
  }
}
