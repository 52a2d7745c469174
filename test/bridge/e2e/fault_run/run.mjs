// Owns one run: makes the world, lets it fail for a while, and compares what clients had with what was committed.
import { randomInt } from 'node:crypto';
import { Cluster } from '../cluster.mjs';
import { openDatabase } from '../database.mjs';
import { eventually, now, randomFrom } from '../support.mjs';
import { Bridges } from './bridges.mjs';
import { Client } from './client.mjs';
import { runFaults } from './faults.mjs';
import { Judge, quantiles } from './judge.mjs';
import { Writers } from './writers.mjs';

const patience = 300_000; // for a slow machine: that everything is as it was once nothing fails any more
const maxGrownKilobytes = 40_000;
const clientsOfGroup = 10;
const clientsOfRoom = 30;

// Everybody may follow a room, the members of a group its topic, and a user the topic of that name: "prefix:user:u7-0" is
// of user u7-0 in group 0.
const receive = `case split_part(topic, ':', 2)
  when 'room' then true
  when 'group' then split_part(topic, ':', 3) = split_part(live.user_id(), '-', 2)
  when 'user' then split_part(topic, ':', 3) = live.user_id() else false end`;

function topicsOf(prefix, number) {
  const [user, group] = [`u${number}-${Math.floor(number / clientsOfGroup)}`, Math.floor(number / clientsOfGroup)];
  return { user, topics: [`${prefix}:room:${number % Math.ceil(clientsOfRoom / 3)}`, `${prefix}:group:${group}`, `${prefix}:user:${user}`] };
}

function makeClients(count, { prefix, bridges, judge, seed }) {
  return Array.from({ length: count }, (_, number) => {
    const { user, topics } = topicsOf(prefix, number);
    const random = randomFrom(seed + 1000 + number);
    const [, , foreign] = topicsOf(prefix, (number + 1) % count).topics;
    const token = () => bridges.lasting.token({ sub: user, exp: now() + 8 + random(60) });
    return new Client(user, { topics, foreign, doors: bridges.doors, token, judge, random });
  });
}

/** Emits one event on each topic, and waits until each client has had it: then each has a position to resume from. */
async function markAll(clients, writers, database, what) {
  const before = new Map(clients.flatMap((client) => [...client.subscriptions.values()].map((each) => [each, each.tags.length])));
  const topics = new Set(clients.flatMap((client) => [...client.subscriptions.keys()]));
  for (const topic of topics) await writers.emit(database.main, topic);
  await eventually(`every client has ${what}`, () => clients.every((client) => client.isJoined), patience);
  return eventually(`every client has ${what}`, () => [...before].every(([each, length]) => each.tags.length > length), patience);
}

function compareAll(clients, committed, judge) {
  for (const { user, subscriptions } of clients)
    for (const [topic, { tags }] of subscriptions) judge.compare(user, topic, tags, committed.get(topic) ?? new Set());
}

/** The database has forgotten the clients and their connections, and the bridge has as many descriptors as at first. */
async function compareUse({ bridges, database, judge, idle, joined, tell }, whileJoined) {
  tell(`memory of the lasting bridge: ${joined.kilobytes} kB at the beginning, ${whileJoined.kilobytes} kB at the end`);
  if (whileJoined.kilobytes > joined.kilobytes + maxGrownKilobytes) judge.blame('the lasting bridge', `grew from ${joined.kilobytes} to ${whileJoined.kilobytes} kB`);
  const after = await eventually('the descriptors are as many as before', async () => {
    const use = await bridges.use();
    return use.descriptors <= idle.descriptors && use;
  }, patience).catch(() => bridges.use());
  tell(`its descriptors: ${idle.descriptors} without clients at the beginning, ${joined.descriptors} with them, ${after.descriptors} without them at the end`);
  tell(`and its memory then: ${after.kilobytes} kB`);
  if (after.descriptors > idle.descriptors) judge.blame('the lasting bridge', `keeps ${after.descriptors - idle.descriptors} descriptors`);
  await eventually('nobody is connected', async () =>
    (await database.query('select count(*)::integer as n from live.connection')).rows[0].n === 0, patience)
    .catch((error) => judge.blame('the database', `${error.message}: ${error.cause ?? ''}`));
}

function report({ judge, committed, counts, tell }) {
  for (const [name, count] of [...counts].sort()) tell(`${count} times: ${name}`);
  const total = [...committed.values()].reduce((sum, tags) => sum + tags.size, 0);
  tell(`${total} durable events committed, ${judge.received} deliveries`);
  tell(`joins refused for a while: ${JSON.stringify(Object.fromEntries(judge.repliesWithReason))}`);
  tell(`recovery, from a loss until all channels are joined again: ${quantiles(judge.recoveries)}`);
  tell(`from emission to arrival: ${quantiles(judge.delays)}`);
}

/** Lets the world fail for `seconds`; returns what was wrong, nothing if all was right. */
async function runIn(world, { seconds, clients: count, rate, seed, tell }) {
  const { database, bridges, judge } = world;
  const prefix = await database.topics({ receive });
  const ledger = `${prefix}.ledger`;
  await database.query(`create table ${ledger} (tag integer primary key, topic text)`);
  const idle = await bridges.use();
  const clients = makeClients(count, { prefix, bridges, judge, seed });
  const random = randomFrom(seed + 2);
  const topic = () => [...clients[random(count)].subscriptions.keys()][random(3)];
  const writers = new Writers(database, { rate, random, ledger, topic });
  for (const client of clients) client.start();
  await eventually('every client has joined', () => clients.every((client) => client.isJoined), patience);
  await markAll(clients, writers, database, 'a position');
  const joined = await bridges.use();
  judge.recoveries.length = 0; // those were the first joins

  const began = Date.now();
  writers.start();
  const elapsed = () => Math.round((Date.now() - began) / 1000);
  const counts = await runFaults({ ...world, clients, relays: bridges.relays, seed },
    () => elapsed() >= seconds, (name) => tell(`${elapsed()} s: ${name}`));
  await writers.stop();
  await markAll(clients, writers, database, 'everything');
  const whileJoined = await bridges.use();
  for (const client of clients) await client.stop();
  const committed = await writers.committed();
  compareAll(clients, committed, judge);
  report({ judge, committed, counts, tell });
  await compareUse({ bridges, database, judge, idle, joined, tell }, whileJoined);
  return judge.violations;
}

export async function faultRun({ seed = randomInt(1, 2 ** 31), tell, ...options }) {
  tell(`seed ${seed}`);
  const opened = [];
  const keep = (each) => (opened.push(each), each);
  try {
    const cluster = keep(await Cluster.start());
    const database = await openDatabase('worker', cluster.server);
    const bridges = keep(await Bridges.start(database, ['--lease', '10']));
    const violations = await runIn({ cluster, database, bridges, judge: new Judge() }, { seed, tell, ...options });
    await database.close();
    return violations;
  } finally {
    for (const each of opened.reverse()) await each.stop();
  }
}
