// Owns a state that a route loads and that events keep up to date.
// Invariant: each event that the loaded snapshot does not see is applied once, behind it: the listener is there before the
// load, what arrives meanwhile waits, and what was published before the snapshot is dropped by its position. An event that was
// published after it may tell what the snapshot has already, so `event` must bear that.
import type { CommandError } from '../collaboration/transport';
import type { LiveClient } from './client';
import { isAfter } from './position';
import type { LiveEvent, Topic, TopicListener } from './topic';

export interface QueryOptions<Value> {
  /** Those that tell changes of the state. */
  topics: () => readonly string[];
  load(): Promise<{ value: Value; position: string | null }>;
  loading?(): void;
  loaded(value: Value): void;
  event(event: LiveEvent): void;
  /** A load failed, or a topic was refused. `isFinal`: it is not tried again. */
  failed(error: CommandError, isFinal: boolean): void;
}

interface Part {
  topic: Topic;
  listener: TopicListener;
  /** It was joined before the load began, and has missed nothing since. */
  isCovered: boolean;
  /** Behind which position the topic's channel began while the listener was there. */
  from: string | null;
}

const retryAfter = [500, 1000, 2000, 5000, 10_000, 30_000];

export class LiveQuery<Value> {
  #parts: Part[] = [];
  /** Events that came while the state is being loaded. */
  #waiting: LiveEvent[] | null = null;
  #position: string | null = null;
  #run = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: LiveClient,
    private readonly options: QueryOptions<Value>,
  ) {}

  start(): void {
    if (this.#parts.length > 0) return;
    this.#parts = this.options.topics().map((name) => this.#listen(this.client.topic(name)));
    void this.reload();
  }

  stop(): void {
    this.#run += 1;
    clearTimeout(this.#timer);
    for (const { topic, listener } of this.#parts) this.client.unlisten(topic, listener);
    this.#parts = [];
  }

  async reload(): Promise<void> {
    const run = ++this.#run;
    clearTimeout(this.#timer);
    this.#waiting = [];
    for (const part of this.#parts) part.isCovered = part.topic.isJoined;
    this.options.loading?.();
    try {
      const { value, position } = await this.options.load();
      if (run !== this.#run) return;
      this.#failures = 0;
      this.#position = position;
      this.options.loaded(value);
      this.#release();
      for (const { topic } of this.#parts) topic.begin(position);
      if (this.#parts.some((part) => part.topic.isJoined && !this.#covers(part))) void this.reload();
    } catch (error) {
      if (run === this.#run) this.#fail(error as CommandError);
    }
  }

  #listen(topic: Topic): Part {
    const part: Part = {
      topic,
      isCovered: false,
      from: null,
      listener: {
        event: (event: LiveEvent) => this.#receive(event),
        joined: (from: string | null, gapless: boolean) => {
          part.from = from;
          part.isCovered &&= gapless;
          if (this.#failures > 0) void this.reload();
          else if (this.#waiting === null && !this.#covers(part)) void this.reload();
        },
        refused: (error: CommandError) => this.options.failed(error, true),
      },
    };
    topic.listeners.add(part.listener);
    return part;
  }

  /** The listener got every event behind the snapshot: its topic began there, or at a snapshot before. */
  #covers({ isCovered, from }: Part): boolean {
    return isCovered || (from !== null && this.#position !== null && (from === this.#position || isAfter(this.#position, from)));
  }

  #receive(event: LiveEvent): void {
    if (this.#waiting !== null) this.#waiting.push(event);
    else if (event.position === null || this.#position === null || isAfter(event.position, this.#position)) this.#apply(event);
  }

  /** An event that cannot be read is passed over, alone. */
  #apply(event: LiveEvent): void {
    try {
      this.options.event(event);
    } catch (error) {
      this.client.report(`${event.topic}: the event ${event.event} cannot be read: ${(error as Error).message}`);
    }
  }

  #release(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const event of waiting) this.#receive(event);
  }

  #fail(error: CommandError): void {
    const isFinal = error.isFinal === true;
    this.options.failed(error, isFinal);
    if (isFinal) return;
    const wait = retryAfter[Math.min(this.#failures++, retryAfter.length - 1)]!;
    this.#timer = setTimeout(() => void this.reload(), wait * (0.75 + Math.random() / 2));
  }
}
