// Owns the token of the user: it is asked from the app, again before it expires, and again after the bridge refused it.
// Invariant: one question is under way at a time, and each has an answer within `patience`, the app's or a failure.
import { CommandError } from '../collaboration/transport';

export type TokenSource = () => string | Promise<string>;

export interface TokenEvents {
  token(token: string): void;
  failed(error: Error): void;
}

export interface Claims {
  sub?: string;
  exp?: number;
}

const patience = 10_000;
/** Milliseconds before its end at which a token is asked for again: a tenth of its life, within these bounds. */
const [leastAhead, mostAhead] = [2000, 60_000];
const retryAfter = [1000, 2000, 5000, 10_000, 30_000];
/** What setTimeout() can count. */
const longestTimer = 2_147_483_647;

/** The claims of a token, which is not verified here: the bridge does that. */
export function claimsOf(token: string): Claims {
  try {
    const bytes = Uint8Array.from(atob((token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === 'object' && claims !== null ? claims : {};
  } catch {
    return {};
  }
}

export class TokenKeeper {
  #token: string | null = null;
  #asked: Promise<string> | null = null;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #isOver = false;

  constructor(
    private readonly source: TokenSource,
    private readonly events: TokenEvents,
  ) {}

  /** The last one; empty: none yet. */
  get current(): string {
    return this.#token ?? '';
  }

  get userId(): string | null {
    return this.#token === null ? null : (claimsOf(this.#token).sub ?? null);
  }

  /** One that is good for a while yet. Rejects if the app gives none. */
  get(): Promise<string> {
    return this.#token !== null && !this.#endsSoon(this.#token) ? Promise.resolve(this.#token) : this.renew();
  }

  renew(): Promise<string> {
    this.#asked ??= this.#ask().finally(() => (this.#asked = null));
    return this.#asked;
  }

  start(): void {
    this.#isOver = false;
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#renewal);
  }

  #endsSoon(token: string): boolean {
    const { exp } = claimsOf(token);
    return exp !== undefined && exp * 1000 - Date.now() < leastAhead;
  }

  async #ask(): Promise<string> {
    clearTimeout(this.#renewal);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${patience / 1000} seconds`)), patience);
    });
    try {
      const token: unknown = await Promise.race([this.source(), tooLate]);
      if (typeof token !== 'string' || token === '') throw new Error('it is no text');
      this.#failures = 0;
      this.#token = token;
      this.#renewIn(token);
      if (!this.#isOver) this.events.token(token);
      return token;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const failure = new CommandError(`the app gave no token: ${reason}`);
      this.#schedule(retryAfter[Math.min(this.#failures++, retryAfter.length - 1)]!);
      if (!this.#isOver) this.events.failed(failure);
      throw failure;
    } finally {
      clearTimeout(timer);
    }
  }

  #renewIn(token: string): void {
    const { exp } = claimsOf(token);
    if (exp === undefined) return;
    const life = exp * 1000 - Date.now();
    this.#schedule(Math.max(500, life - Math.min(mostAhead, Math.max(leastAhead, life / 10))));
  }

  #schedule(milliseconds: number): void {
    if (this.#isOver) return;
    this.#renewal = setTimeout(() => this.renew().catch(() => {}), Math.min(milliseconds, longestTimer));
  }
}
