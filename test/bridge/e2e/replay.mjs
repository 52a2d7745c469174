// Owns the replay of a recorded history by two editors at once: each makes an edit when it has seen what the edit's parents
// contain, and nothing else of the other.
import { Author, TextEditor } from './editors.mjs';
import { eventually } from './support.mjs';

/** An editor that receives no more operations of others than it may. */
class PatientEditor extends TextEditor {
  static policy = 'text';
  may = 0;
  seen = 0;
  /** How many of its own edits it may submit, and how many the log has. */
  mayLog = Infinity;
  logged = 0;
  #held = [];

  constructor(session) {
    super({ clientId: session.clientId, state: session.state, changed: () => session.changed(), attach: () => {} });
    session.attach(this, session.state.head);
    this.clientId = session.clientId;
  }

  get isSaved() {
    return this.adapter.isSaved;
  }

  /** What the log lacks: some of what is not confirmed waits to be received. The database knows it again. */
  pending(most) {
    const submission = this.adapter.pending(most);
    const held = this.#held.filter(({ client_id }) => client_id === this.clientId).length;
    const operations = submission?.operations.slice(0, held + Math.max(0, this.mayLog - this.logged)) ?? [];
    return operations.length > held ? { ...submission, operations } : null;
  }

  receive(operation) {
    this.#held.push(operation);
    if (operation.client_id === this.clientId) this.logged += 1;
    this.release();
  }

  release() {
    for (let next; (next = this.#held[0]); this.#held.shift()) {
      const isOwn = next.client_id === this.clientId;
      if (!isOwn && this.seen === this.may) return;
      this.seen += isOwn ? 0 : 1;
      this.adapter.receive(next);
    }
  }
}

/** Positions of the trace count code points. */
function change(text, [position, deleted, insert]) {
  const units = (points, from) => (/[\ud800-\udfff]/.test(text) ? [...text.slice(from)].slice(0, points).join('').length : points);
  const from = units(position, 0);
  return { from, to: from + units(deleted, from), insert };
}

/** Waits for what comes within milliseconds, without pauses as long as those of eventually(). */
async function arrival(check) {
  while (!check()) await new Promise((resolve) => setImmediate(resolve));
}

/** Replays transactions {parents, agent, patches} in a room; returns the contents of both editors and the id of the session. */
export async function replay(bridge, room, history) {
  const authors = [];
  for (const user of ['writer-0', 'writer-1']) authors.push(await Author.join(PatientEditor, { bridge, user, room }));
  /** For each transaction, how many edits of each agent it and its parents contain. */
  const contained = [];
  const made = [0, 0];
  // The second writer's edits are logged when the first one needs them, so that each run is the same one. Where a text between two
  // insertions was deleted meanwhile, they meet at one place, and the one that is logged first comes first.
  authors[1].editor.mayLog = 0;
  for (const { parents, agent, patches } of history) {
    const known = [0, 1].map((each) => Math.max(0, ...parents.map((parent) => contained[parent][each])));
    const { editor } = authors[agent];
    if (agent === 0 && known[1] > authors[1].editor.mayLog) {
      await arrival(() => editor.logged === made[0]);
      authors[1].editor.mayLog = known[1];
      authors[1].session.changed();
    }
    editor.may = known[1 - agent];
    editor.release();
    if (editor.seen < editor.may) await arrival(() => editor.seen === editor.may);
    for (const patch of patches) editor.change(change(editor.content, patch));
    known[agent] += patches.length;
    contained.push(known);
    made[agent] += patches.length;
  }
  for (const { editor } of authors) {
    editor.may = editor.mayLog = Infinity;
    editor.release();
  }
  authors[1].session.changed();
  await eventually('all is saved', () => authors.every(({ isSaved, session }) => isSaved && session.version === made[0] + made[1]));
  const contents = authors.map(({ editor }) => editor.content);
  const { session_id } = authors[0].session.state;
  for (const author of authors) await author.close();
  return { contents, session_id };
}
