import { setMaxListeners } from 'node:events';
import type { Clock, Timers } from '#src/core/ports/clock.ts';
import { createLogEpoch, type LogEpoch } from '#src/nats/streams/log/log-epoch.ts';
import type { Faults } from '#test/simulate/faults.ts';
import type { Engine } from './engine.ts';
import type { MachineClock } from './machine-clock.ts';

const MAX_PAUSE_IN_MS = 60_000;
const LONGEST_POLL_IN_MS = 60_000;
const MEASURE_EVERY_MS = 5_000;
const FIRST_SAMPLES = 3;
const RECONNECTS_WITHIN_MS = 50;

/** Without a reason, each signal would make an error with a stack. */
const DEAD = 'the process died';

/** The way to the servers. They receive nothing until `upAt`, and processes then send again what did not arrive. */
export type Network = { upAt: number };
type ProcessOptions = { engine: Engine; faults: Faults; machine: MachineClock; network: Network };

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
  readonly machine: MachineClock;
  /** What the log acknowledged to this process, and when the log may have gone backwards. */
  readonly logEpoch: LogEpoch;
  readonly #network: Network;
  readonly #death = new AbortController();
  readonly #reconnectListeners = new Set<() => void>();
  #stillUntil = 0;
  #measuredAt = Number.POSITIVE_INFINITY;
  /** Several loops of one process poll. */
  readonly #wakePollers = new Set<() => void>();

  constructor(name: string, { engine, faults, machine, network }: ProcessOptions) {
    this.name = name;
    this.engine = engine;
    this.faults = faults;
    this.machine = machine;
    this.#network = network;
    // Every subscription of the process ends by this signal.
    setMaxListeners(0, this.#death.signal);
    this.clock = { now: machine.now, sleep: (ms, signal) => this.#sleep(ms, signal) };
    this.timers = { after: (ms, callback) => this.schedule(ms, 'timer', callback), every: (ms, callback) => this.#repeat(ms, callback) };
    this.logEpoch = createLogEpoch(this, this.clock);
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
    this.#death.abort(DEAD);
  }

  /** Measures the time of the server before anything else, as a real process does. */
  async start(): Promise<void> {
    for (let sample = 0; sample < FIRST_SAMPLES; sample++) await this.#measureTime();
  }

  /** Calls back after each reconnection that the process notices. */
  onReconnect(listener: () => void): () => void {
    this.#reconnectListeners.add(listener);
    return () => void this.#reconnectListeners.delete(listener);
  }

  /** The connection was lost, and is there again. */
  reconnected(): void {
    for (const listener of this.#reconnectListeners) listener();
  }

  /** Runs an event of this process after a time. */
  schedule(ms: number, label: string, run: () => void): () => void {
    return this.#enqueue(ms, label, () => this.receive(run));
  }

  /** Runs an event of this process that arrives now. */
  receive(run: () => void): void {
    this.#keepTime();
    run();
    for (const wake of this.#wakePollers) wake();
  }

  /** Makes a follower receive its messages in order. It receives nothing while its process stands still. */
  inOrder<Message>(onMessage: (message: Message) => void): (message: Message) => void {
    const delayed: Message[] = [];
    const receiveDelayed = (): void => {
      for (const message of delayed.splice(0)) onMessage(message);
    };
    return (message) => {
      if (delayed.length === 0 && !this.isStill) this.receive(() => onMessage(message));
      else if (delayed.push(message) === 1) this.schedule(0, 'follows', receiveDelayed);
    };
  }

  /** Sends a request to a server, and resolves to its answer. `action` runs at the server. */
  call<Answer>(label: string, action: () => Answer | Promise<Answer>): Promise<Answer> {
    if (!this.#survives('crash-before', label)) return neverAnswered();
    if (this.faults.strike('pause', `${this.name} ${label}`)) {
      this.#stillUntil = this.engine.now + this.engine.chance.between(1_000, MAX_PAUSE_IN_MS);
    }
    return new Promise((resolve, reject) => {
      this.#arrive(this.#latency(label), `${this.name} > ${label}`, () => {
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
    if (this.isAlive) this.#arrive(this.#latency(label), `${this.name} > ${label}`, action);
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
          const end = (): void => {
            cancel();
            this.#wakePollers.delete(wake);
            signal?.removeEventListener('abort', end);
            resolve();
          };
          const untilNext = (): number => Math.min(Math.max(ms, nextAt() - this.clock.now()), LONGEST_POLL_IN_MS);
          let cancel = this.#enqueue(mayBeLong ? untilNext() : ms, 'tick', end);
          mayBeLong = !mayBeLong;
          const wake = (): void => {
            this.#wakePollers.delete(wake);
            mayBeLong = false;
            cancel();
            cancel = this.#enqueue(Math.max(1, shortestEnd - this.engine.now), 'tick', end);
          };
          this.#wakePollers.add(wake);
          signal?.addEventListener('abort', end, { once: true });
        }),
    };
  }

  /** A process that does nothing measures nothing: its measurements would only make the simulation slow. */
  #keepTime(): void {
    if (this.engine.now - this.#measuredAt < MEASURE_EVERY_MS) return;
    if (this.faults.strike('clock-set', this.name)) this.machine.set();
    void this.#measureTime();
  }

  async #measureTime(): Promise<void> {
    this.#measuredAt = this.engine.now;
    const askedAt = this.machine.monotonic();
    const serverAt = this.machine.isExact ? this.engine.now : await this.call('ask for the time', () => this.engine.now);
    this.machine.measured(askedAt, serverAt);
  }

  #arrive(ms: number, label: string, action: () => void): void {
    this.engine.after(ms, label, () => {
      const downForMs = this.#network.upAt - this.engine.now;
      if (downForMs > 0) this.#arrive(downForMs + this.engine.chance.between(0, RECONNECTS_WITHIN_MS), label, action);
      else action();
    });
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
    if (!this.isAlive) return neverAnswered();
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

/** A new promise for each caller: the reactions of a shared one, and with them whole worlds, would never be collected. */
export function neverAnswered(): Promise<never> {
  return new Promise(() => {});
}
