import { setMaxListeners } from 'node:events';
import type { Clock, Timers } from '#src/core/ports/clock.ts';
import type { Engine } from './engine.ts';
import type { Faults } from './faults.ts';

const ANSWER_OF_THE_DEAD = new Promise<never>(() => {});
const MAX_PAUSE_IN_MS = 60_000;
const LONGEST_POLL_IN_MS = 60_000;

/**
 * One simulated process of Sequent. Everything that it does and learns passes through here.
 *
 * 1. Its code runs only in its own events: answers, timers, and deliveries. A dead process has none.
 * 2. A call of a port is two messages. The request arrives also when the process dies meanwhile, and the answer does not.
 * 3. It can die before each call and at each answer, and stand still at each call.
 */
export class Process {
  readonly name: string;
  readonly engine: Engine;
  readonly faults: Faults;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly #offsetInMs: number;
  readonly #death = new AbortController();
  #stillUntil = 0;
  #wakePoller: (() => void) | undefined;

  constructor(name: string, { engine, faults, clockOffsetInMs }: { engine: Engine; faults: Faults; clockOffsetInMs: number }) {
    this.name = name;
    this.engine = engine;
    this.faults = faults;
    // Every subscription of the process ends by this signal.
    setMaxListeners(0, this.#death.signal);
    this.#offsetInMs = clockOffsetInMs === 0 ? 0 : engine.chance.between(-clockOffsetInMs, clockOffsetInMs);
    const now = (): number => engine.now + this.#offsetInMs;
    this.clock = { now, sleep: (ms, signal) => this.#sleep(ms, signal) };
    this.timers = { after: (ms, callback) => this.schedule(ms, 'timer', callback), every: (ms, callback) => this.#repeat(ms, callback) };
  }

  /** Aborts when the process dies. */
  get death(): AbortSignal {
    return this.#death.signal;
  }

  get isAlive(): boolean {
    return !this.#death.signal.aborted;
  }

  /** Whether the process stands still, and answers nothing. */
  get isStill(): boolean {
    return this.engine.now < this.#stillUntil;
  }

  die(): void {
    if (!this.isAlive) return;
    this.engine.note(`${this.name} died`);
    this.#death.abort();
  }

  /** Runs an event of this process after a time. */
  schedule(ms: number, label: string, run: () => void): () => void {
    return this.#enqueue(ms, label, () => this.receive(run));
  }

  /** Runs an event of this process that arrives now. */
  receive(run: () => void): void {
    run();
    this.#wakePoller?.();
  }

  /** Sends a request to a server, and resolves to its answer. `action` runs at the server. */
  call<Answer>(label: string, action: () => Answer | Promise<Answer>): Promise<Answer> {
    if (!this.#survives('crash-before', label)) return ANSWER_OF_THE_DEAD;
    if (this.faults.strike('pause', `${this.name} ${label}`)) {
      this.#stillUntil = this.engine.now + this.engine.chance.between(1_000, MAX_PAUSE_IN_MS);
    }
    return new Promise((resolve, reject) => {
      this.engine.after(this.#latency(label), `${this.name} > ${label}`, () => {
        Promise.resolve()
          .then(action)
          .then(
            (answer) => this.#answer(label, () => resolve(answer)),
            (reason) => this.#answer(label, () => reject(reason)),
          );
      });
    });
  }

  /** Sends a message without an answer. */
  send(label: string, action: () => void): void {
    if (this.isAlive) this.engine.after(this.#latency(label), `${this.name} > ${label}`, action);
  }

  /** A clock for a loop that polls: its sleeps end when something may have changed, or at `nextAt()`, and not 40 times a second. */
  pollingClock(nextAt: () => number): Clock {
    let mayBeLong = false;
    return {
      now: this.clock.now,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted) return resolve();
          const shortestEnd = this.engine.now + ms;
          const longInMs = Math.min(Math.max(ms, nextAt() - this.clock.now()), LONGEST_POLL_IN_MS);
          const end = (): void => {
            cancel();
            this.#wakePoller = undefined;
            signal?.removeEventListener('abort', end);
            resolve();
          };
          let cancel = this.#enqueue(mayBeLong ? longInMs : ms, 'tick', end);
          mayBeLong = !mayBeLong;
          this.#wakePoller = () => {
            this.#wakePoller = undefined;
            mayBeLong = false;
            cancel();
            cancel = this.#enqueue(Math.max(1, shortestEnd - this.engine.now), 'tick', end);
          };
          signal?.addEventListener('abort', end, { once: true });
        }),
    };
  }

  #enqueue(ms: number, label: string, run: () => void): () => void {
    const event = (): void => {
      if (!this.isAlive) return;
      if (this.isStill) cancel = this.engine.after(this.#stillUntil - this.engine.now, `${this.name} ${label}`, event);
      else run();
    };
    let cancel = this.engine.after(ms, `${this.name} ${label}`, event);
    return () => cancel();
  }

  #answer(label: string, run: () => void): void {
    this.schedule(this.#latency(label), `< ${label}`, () => {
      if (this.#survives('crash-after', label)) run();
    });
  }

  #survives(kind: 'crash-before' | 'crash-after', label: string): boolean {
    if (this.isAlive && this.faults.strike(kind, `${this.name} ${label}`)) this.die();
    return this.isAlive;
  }

  #latency(label: string): number {
    const longestInMs = this.faults.strike('slow-call', `${this.name} ${label}`) ? 120 : 2;
    return this.engine.chance.between(0, longestInMs);
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (!this.isAlive) return ANSWER_OF_THE_DEAD;
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = (): void => {
        cancel();
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.schedule(ms, 'wakes up', end);
      signal?.addEventListener('abort', end, { once: true });
    });
  }

  #repeat(ms: number, callback: () => void): () => void {
    const next = (): (() => void) =>
      this.schedule(ms, 'timer', () => {
        cancel = next();
        callback();
      });
    let cancel = next();
    return () => cancel();
  }
}
