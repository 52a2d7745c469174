// Owns what the tests of a suite share: a database, a bridge and topics, made before the first test and closed after the last.
import { after, before } from 'node:test';
import { Cluster } from './cluster.mjs';
import { openDatabase } from './database.mjs';
import { startBridge } from './support.mjs';

/** Runs `make` before the tests of the calling suite. What `make` and the tests pass to closeLater() is closed after them, the newest first. */
function withSetUp(make) {
  const opened = [];
  const closeLater = (resource) => {
    opened.push(resource);
    return resource;
  };
  before(() => make(closeLater));
  after(async () => {
    for (const resource of opened.reverse()) await (resource.stop ? resource.stop() : resource.close());
  });
  return closeLater;
}

async function makeDatabase({ mode = 'worker', cluster: lines, topics }, closeLater) {
  const cluster = lines && closeLater(await Cluster.start(...lines));
  const database = closeLater(await openDatabase(mode, cluster?.server));
  return { cluster, database, prefix: await database.topics(topics), closeLater };
}

/**
 * Gives the calling suite a database in `mode` with topics of its own (`topics`: who may receive and send): `use` is called
 * with {database, prefix, cluster, closeLater} before the tests. `cluster`: the settings of a private cluster instead of the shared one.
 * Returns closeLater(resource), which returns the resource and stops or closes it after the tests.
 */
export function withDatabase(options, use) {
  return withSetUp(async (closeLater) => use(await makeDatabase(options, closeLater)));
}

/** As withDatabase(), with a bridge that was started with `flags`: {bridge, database, prefix, cluster, closeLater}. */
export function withBridge({ flags, ...options }, use) {
  return withSetUp(async (closeLater) => {
    const made = await makeDatabase(options, closeLater);
    await use({ ...made, bridge: closeLater(await startBridge(made.database, { flags })) });
  });
}
