// Owns the two bridges, each with a network in front of it and one between it and the database. The first may be ended and
// is replaced; the second has to last, so that its memory and descriptors can be compared.
import { randomBytes } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { Relay } from '../relay.mjs';
import { eventually, startBridge } from '../support.mjs';

export class Bridges {
  all = [];
  doors = []; // where clients connect
  relays = [];
  #targets = []; // what startBridge() wants of a database

  static async start(database, flags) {
    const bridges = new Bridges();
    bridges.flags = flags;
    const secret = randomBytes(32).toString('hex');
    for (let number = 0; number < 2; number++) {
      const behind = await Relay.before({ port: database.server.port });
      const target = { bridgeConninfo: database.bridgeConninfo.replace(/port=\d+/, `port=${behind.port}`) };
      const bridge = await startBridge(target, { flags, secret });
      const front = await Relay.before(bridge);
      bridges.all.push(bridge);
      bridges.#targets.push(target);
      bridges.doors.push(front);
      bridges.relays.push(front, behind);
    }
    return bridges;
  }

  get lasting() {
    return this.all[1];
  }

  /** Ends the first bridge by `signal`, and starts another at its port after some milliseconds. */
  async replace(signal, milliseconds) {
    const { port, secret } = this.all[0];
    const { code } = await this.all[0].stop(signal);
    if (signal === 'SIGTERM' && code !== 0) throw new Error(`a bridge that was drained ended with ${code}:\n${this.all[0].log.slice(-2000)}`);
    await pause(milliseconds);
    const isUp = (bridge) => eventually('the bridge listens', () => bridge.log.includes('"listening"'));
    this.all[0] = await startBridge(this.#targets[0], { flags: this.flags, secret, port, isUp });
  }

  /** What the bridge that lasts uses: {descriptors, kilobytes}. */
  async use() {
    const { pid } = this.lasting;
    const [descriptors, status] = await Promise.all([readdir(`/proc/${pid}/fd`), readFile(`/proc/${pid}/status`, 'utf8')]);
    return { descriptors: descriptors.length, kilobytes: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) };
  }

  /** Also in the middle of a fault. */
  async stop() {
    for (const relay of this.relays) relay.close();
    for (const bridge of this.all) {
      if (!bridge.exit) process.kill(bridge.pid, 'SIGCONT');
      await bridge.stop();
    }
  }
}
