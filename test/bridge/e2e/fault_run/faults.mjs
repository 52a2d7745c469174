// Owns the faults: what can go wrong with processes, and what with networks and clients. One of each kind is at work at a
// time, so a network may fail while a database restarts. Each fault ends what it began.
import { setTimeout as pause } from 'node:timers/promises';
import { eventually, randomFrom } from '../support.mjs';

const ofBridges = (database, sql) =>
  database.query(`select ${sql} from pg_stat_activity where usename = 'live_bridge' and datname = current_database()`);

/** Faults of processes: name -> function. `bridges`: those that may be ended; `all`: also the one that has to last. */
function processFaults({ cluster, database, bridges, random }) {
  const aBridge = () => bridges.all[random(bridges.all.length)];
  const restart = async (mode) => {
    await cluster.restart(mode);
    await eventually('the database answers', () => database.reconnect());
  };
  return {
    'a bridge is killed': () => bridges.replace('SIGKILL', random(3000)),
    'a bridge is drained': () => bridges.replace('SIGTERM', random(1000)),
    'a bridge is stopped for a while': async () => {
      const bridge = aBridge();
      process.kill(bridge.pid, 'SIGSTOP');
      await pause(500 + random(9000));
      process.kill(bridge.pid, 'SIGCONT');
    },
    'the database is restarted': () => restart('fast'),
    'the database crashes': () => restart('immediate'),
    'the connections of the bridges are terminated': () => ofBridges(database, 'pg_terminate_backend(pid)'),
    'the worker is terminated': () => database.query("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'pg_live worker'"),
    'statements of the bridges are cancelled': () => ofBridges(database, 'pg_cancel_backend(pid)'),
  };
}

/** Faults of networks, in front of bridges and between them and the database, and of clients. */
function networkFaults({ relays, clients, random }) {
  const aRelay = () => relays[random(relays.length)];
  const some = (share) => clients.filter(() => random(share) === 0);
  const freeze = async (silence, end) => {
    const relay = aRelay();
    relay.breakAllSilently(silence);
    await pause(500 + random(12_000));
    relay[end]();
  };
  return {
    'a network freezes and passes again': () => freeze('both', 'heal'),
    'a network freezes and is cut': () => freeze('both', 'cut'),
    'a network passes nothing one way': () => freeze(['requests', 'answers'][random(2)], 'heal'),
    'a network is cut': () => aRelay().cut(),
    'a network is slow': async () => {
      const relay = aRelay();
      relay.slowDown(() => random(300));
      await pause(2000 + random(6000));
      relay.slowDown();
    },
    'clients read nothing for a while': async () => {
      const stalled = some(8);
      for (const client of stalled) client.stall();
      await pause(1000 + random(15_000));
      for (const client of stalled) client.goOn();
    },
    'clients vanish': () => some(4).forEach((client) => client.vanish()),
    'all clients vanish at once': () => clients.forEach((client) => client.vanish()),
  };
}

/** Runs faults of both kinds until `isOver()`; `told` is called with the name of each. Returns how often each was at work. */
export async function runFaults(world, isOver, told) {
  const counts = new Map();
  const run = async (makeFaults, random) => {
    const faults = makeFaults({ ...world, random });
    const names = Object.keys(faults);
    while (!isOver()) {
      await pause(500 + random(4000));
      const name = names[random(names.length)];
      told(name);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      await faults[name]();
    }
  };
  await Promise.all([run(processFaults, randomFrom(world.seed)), run(networkFaults, randomFrom(world.seed + 1))]);
  return counts;
}
