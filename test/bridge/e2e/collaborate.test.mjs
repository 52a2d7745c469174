// Behaviour: editors of one session come to the same document, which is the database's, whatever breaks meanwhile.
// COLLABORATE_SEEDS, COLLABORATE_EDITORS, COLLABORATE_EDITS set the size, COLLABORATE_SEED the first seed, and
// COLLABORATE_POLICIES the policies (text,json,cas,append).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Author, JsonEditor, RichTextEditor, TextEditor, YjsEditor } from './editors.mjs';
import { withBridge } from './fixture.mjs';
import { Relay } from './relay.mjs';
import { eventually, randomFrom, startBridge, uniqueName } from './support.mjs';
import { TabStorage } from './tab_storage.mjs';

const size = (name, usual) => Number(process.env[`COLLABORATE_${name}`] ?? usual);
const seeds = Array.from({ length: size('SEEDS', 1) }, (_, index) => size('SEED', 1 + Math.floor(Math.random() * 1e9)) + index);
const editors = size('EDITORS', 4);
const edits = size('EDITS', 60);
const policies = (process.env.COLLABORATE_POLICIES ?? 'text,json,cas,append').split(',');
const Editors = [TextEditor, JsonEditor, RichTextEditor, YjsEditor].filter(({ policy }) => policies.includes(policy));

describe('editors of one session', () => {
  let cluster, database, first, second;
  const closeLater = withBridge({ cluster: [] }, async (made) => {
    ({ cluster, database, bridge: first } = made);
    second = closeLater(await startBridge(database, { secret: first.secret }));
  });

  async function createSession({ policy, metadata = {} }) {
    const [{ value }] = await database.as('owner',
      `(live.create_session('${uniqueName('room')}', '${policy}', is_public => true, metadata => '${JSON.stringify(metadata)}')).id`);
    return value;
  }

  /**
   * Edits at random, offline at times or through a network that breaks silently, as long as the strikes last. A reload makes it
   * another client.
   */
  async function write(Editor, author, options, strikes) {
    const { random, bridge: relay } = options;
    const clients = [author];
    for (let number = 0; number < edits || !strikes.areOver; number++) {
      author.edit();
      await pause(random(40));
      const fate = random(30);
      if (fate === 0) author.breakOff();
      if (fate === 1) {
        author.goOffline();
        for (let offline = random(6); offline > 0; offline--) author.edit();
        await pause(random(200));
        author.comeBack();
      }
      if (fate === 6) {
        relay.breakAllSilently(['both', 'requests', 'answers'][random(3)]);
        for (let unheard = random(6); unheard > 0; unheard--) author.edit();
        await pause(random(1500));
        [() => relay.heal(), () => relay.cut(), () => relay.forgetOld()][random(3)]();
      }
      if (fate > 1 && fate < 6 && (author.isSaved || (fate === 2 && options.storage))) {
        await author.close();
        author = closeLater(await Author.join(Editor, options, author.editor));
        clients.push(author);
      }
    }
    return clients;
  }

  /** Kills a bridge and restarts the database while the authors write. */
  async function strike(strikes) {
    await pause(300);
    await second.stop('SIGKILL');
    second = closeLater(await startBridge(database, { secret: first.secret, port: second.port }));
    for (const mode of ['fast', 'immediate']) {
      await pause(300);
      await cluster.restart(mode);
      await eventually('the database answers', () => database.reconnect());
    }
    strikes.areOver = true;
  }

  /** Authors of one session, joined. */
  async function gather(Editor, seed) {
    const session_id = await createSession(Editor);
    const authors = await Promise.all(Array.from({ length: editors }, async (_, index) => {
      const relay = closeLater(await Relay.before(index % 2 ? second : first));
      const options = { bridge: relay, user: `author-${index}`, room: { session_id },
        random: randomFrom(seed * 100 + index), client: index % 4 < 2 ? 'phoenix' : 'realtime-js', storage: Editor.rebase && new TabStorage() };
      return { options, author: closeLater(await Author.join(Editor, options)) };
    }));
    return { Editor, session_id, authors };
  }

  /** Waits until the authors of a session are done, and checks what they have and what the database has. */
  async function agree(t, { Editor, session_id, written }) {
    const [clients, last] = [written.flat(), written.map((each) => each.at(-1))];
    await eventually('all have saved, and have all of the log', async () => {
      const { rows: [{ head }] } = await database.query('select head from live.collaboration_sessions where id = $1', [session_id]);
      return last.every((author) => author.isSaved && author.session.version === Number(head));
    }).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(last.map(({ session, refusals, connection, isSaved }) => [isSaved, session.version, refusals, connection.slice(-3)]))}`);
    });
    const { rows: log } = await database.query('select version, client_id, operation from live.operation where session_id = $1 order by version', [session_id]);
    const hasDocument = ['text', 'json'].includes(Editor.policy);
    const [{ value: document }] = hasDocument ? await database.as('owner', `live.get_document('${session_id}')`) : [{}];
    for (const { editor } of last) assert.deepEqual(editor.content, Editor.contentOfDatabase({ document, log }));
    const { rows: [{ checked }] } = await database.query('select live.check_session($1) as checked', [session_id]);
    assert.deepEqual(checked.faults, []);
    for (const { session: { clientId }, edits: made, refusals, acknowledged } of clients) {
      assert.deepEqual(refusals, []);
      if (Editor.logsEachEdit) assert.equal(log.filter((operation) => operation.client_id === clientId).length, made, 'each edit is in the log, once');
      for (const { first_version, last_version } of acknowledged) {
        for (let version = first_version; version <= last_version; version++) assert.equal(log[version - 1].client_id, clientId);
      }
    }
    t.diagnostic(`${Editor.policy}: ${clients.length} clients, ${log.length} operations, ${clients.flatMap(({ acknowledged }) => acknowledged).length} answers`);
    for (const author of last) await author.close();
  }

  for (const seed of seeds) {
    test(`agree with each other and with the database, though networks, bridges and the database break (seed ${seed})`, async (t) => {
      const sessions = [];
      for (const Editor of Editors) sessions.push(await gather(Editor, seed));
      const strikes = { areOver: false };
      const striking = strike(strikes);
      const written = await Promise.all(sessions.map(({ Editor, authors }) => Promise.all(authors.map(({ author, options }) => write(Editor, author, options, strikes)))));
      await striking;
      for (const [index, session] of sessions.entries()) await agree(t, { ...session, written: written[index] });
    });
  }
});
