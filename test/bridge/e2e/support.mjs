// Owns what every end-to-end test needs: waiting for a condition, JSON Web Tokens, and a bridge process of its own.
// Invariant: a test waits for what it expects and never for a span of time; each bridge is stopped by who started it.
//
// The runner gives PG_LIVE_BRIDGE (the binary), PGHOST, PGPORT, PGUSER (a superuser) and PGDATABASE (a database that
// the cluster's pg_live.databases names, so that the background worker publishes its events).
// PG_LIVE_PATIENCE: seconds until a condition that never comes true is a failure (60).
import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const generous = 1000 * Number(process.env.PG_LIVE_PATIENCE ?? 60);
const pollEvery = 15;

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}: these tests run against a bridge and a cluster given by the runner`);
  return value;
}

/** Calls `check` until it returns something truthy, and returns that. Fails with `what` and the last error if it never does. */
export async function eventually(what, check, timeout = generous) {
  const deadline = Date.now() + timeout;
  let problem = null;
  for (;;) {
    try {
      const result = await check();
      if (result) return result;
      problem = null;
    } catch (error) {
      problem = error;
    }
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`, { cause: problem });
    await pause(pollEvery);
  }
}

/** A name no other test uses, fit for databases, topics and users. */
export function uniqueName(stem) {
  return `${stem}_${randomBytes(5).toString('hex')}`;
}

/** Marsaglia's xorshift: a function that returns random integers below its argument, the same ones for the same start. */
export function randomFrom(start) {
  let state = start || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export const now = () => Math.floor(Date.now() / 1000);

/** A token signed with HS256. `claims` win over the defaults; a claim that is undefined is left out. */
export function sign(claims, secret, header = { alg: 'HS256', typ: 'JWT' }) {
  const signed = `${encode(header)}.${encode({ role: 'authenticated', exp: now() + 3600, ...claims })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** A token that claims `alg: none` and carries no signature. */
export function unsignedToken(claims) {
  return `${encode({ alg: 'none', typ: 'JWT' })}.${encode({ role: 'authenticated', exp: now() + 3600, ...claims })}.`;
}

/** A port that nothing listens on at the moment. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A running bridge. Made by startBridge(). */
export class Bridge {
  #process;
  #output = '';

  constructor(conninfo, secret, port, flags, launcher) {
    this.secret = secret;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    const settings = ['--db', conninfo, '--bind', '127.0.0.1', '--port', String(port), ...flags];
    const [program, ...given] = [...launcher, required('PG_LIVE_BRIDGE'), ...settings];
    this.#process = spawn(program, given, {
      env: { PATH: process.env.PATH, PG_LIVE_JWT_SECRET: secret },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exited = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => resolve({ code, signal }));
      this.#process.once('error', (error) => resolve({ code: null, signal: null, error }));
    });
    this.exit = null;
    this.exited.then((how) => (this.exit = how));
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.on('data', (piece) => (this.#output = (this.#output + piece).slice(-200_000)));
    }
  }

  get log() {
    return this.#output;
  }

  get pid() {
    return this.#process.pid;
  }

  websocketUrl(path = '/realtime/v1') {
    return `ws://127.0.0.1:${this.port}${path}`;
  }

  token(claims = {}) {
    return sign({ sub: 'anna', ...claims }, this.secret);
  }

  get anonKey() {
    return sign({ role: 'anon' }, this.secret);
  }

  async ready() {
    await eventually(`bridge on port ${this.port} is ready`, async () => {
      if (this.exit) return true;
      return (await fetch(`${this.url}/readyz`)).status === 200;
    }).catch((error) => {
      throw new Error(`${error.message}; its log:\n${this.#output.slice(-4000)}`, { cause: error });
    });
    if (this.exit) throw new Error(`the bridge ended (${JSON.stringify(this.exit)}):\n${this.#output.slice(-4000)}`);
  }

  /** Ends the process, politely by default, and waits until it is gone. */
  async stop(signal = 'SIGTERM') {
    if (!this.exit) this.#process.kill(signal);
    return this.exited;
  }
}

/**
 * Starts a bridge against a database (see database.mjs) and waits until events flow through it. `launcher` is a program
 * with its arguments that becomes the bridge, such as prlimit. `isUp` waits for less than events that flow.
 */
export async function startBridge(database, { flags = [], secret = randomBytes(32).toString('hex'), port, launcher = [], isUp = (bridge) => bridge.ready() } = {}) {
  for (let attempt = 1; ; attempt++) {
    const bridge = new Bridge(database.bridgeConninfo, secret, port ?? (await freePort()), flags, launcher);
    try {
      await isUp(bridge);
      return bridge;
    } catch (error) {
      await bridge.stop('SIGKILL');
      const taken = port === undefined && /address already in use/i.test(bridge.log);
      if (!taken || attempt === 5) throw error;
    }
  }
}
