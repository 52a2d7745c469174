// Owns a PgBouncer in transaction mode before a database: what the README lets --db pass.
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { eventually, freePort } from './support.mjs';

export class Pooler {
  #process;
  #directory;
  #output = '';

  /** All that come as the bridge's role share `size` connections to the server. */
  static async start(database, size) {
    const pooler = new Pooler();
    pooler.database = database;
    pooler.port = await freePort();
    pooler.#directory = await mkdtemp(join(tmpdir(), 'pg_live_pooler.'));
    const users = join(pooler.#directory, 'users');
    await writeFile(users, '"live_bridge" ""\n');
    const settings = join(pooler.#directory, 'settings');
    await writeFile(settings, `[databases]
* = host=${database.server.host} port=${database.server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${pooler.port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${size}
max_client_conn = 1000
`);
    await chmod(pooler.#directory, 0o755);
    // It refuses to run as root.
    const owner = process.getuid() === 0 ? ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--init-groups', '--'] : [];
    const [command, ...rest] = [...owner, '/usr/sbin/pgbouncer', settings];
    pooler.#process = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    pooler.#process.on('error', (error) => (pooler.#output += error.message));
    for (const stream of [pooler.#process.stdout, pooler.#process.stderr]) stream.on('data', (piece) => (pooler.#output += piece));
    await eventually('the pooler lets the bridge in', async () => {
      const connection = await pooler.connect().catch((error) => {
        throw new Error(`${error.message}\n${pooler.#output.slice(-2000)}`);
      });
      await connection.end();
      return true;
    });
    return pooler;
  }

  get bridgeConninfo() {
    return `host=127.0.0.1 port=${this.port} user=live_bridge dbname=${this.database.name}`;
  }

  async connect() {
    const connection = new pg.Client({ host: '127.0.0.1', port: this.port, user: 'live_bridge', database: this.database.name });
    await connection.connect();
    return connection;
  }

  /** Runs a statement on the server's connection as another program does, which leaves its settings there. */
  async leave(statement) {
    const connection = await this.connect();
    await connection.query(statement);
    await connection.end();
  }

  async stop() {
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGINT');
    await gone;
    await rm(this.#directory, { recursive: true });
  }
}
