import { setMaxListeners } from 'node:events';
import { messageOf } from '#src/core/errors.ts';
import type { LogEntry } from '#src/core/log/event-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { type Logger, levelOf } from '#src/core/ports/logger.ts';
import { openConsumer, removeIdleConsumer, type WorkConsumers } from './work-consumers.ts';

export type AwakeFunctionsOptions = {
  consumers: WorkConsumers;
  /** Whether a function exists. Only such a function gets a consumer, because anybody may send requests to any name. */
  exists: (name: FunctionName) => boolean;
  /** Whether a function keeps its consumer while it has no work. */
  keeps: (name: FunctionName) => boolean;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
  idleAfterInMs?: number | undefined;
};

/** How many consumers a process opens or removes at one time. */
const MAX_AT_ONCE = 16;
const OPEN_AGAIN_AFTER_MS = 1_000;
/** The consumer of a function that got no item for this time is removed. */
const IDLE_AFTER_MS = 600_000;

/** How often the list of the server is read, and an idle consumer is looked for. */
const LOOK_EVERY_MS = 5_000;

/** `usedAt` and `sequence` are of the newest item that was read. */
type Awake = { usedAt: number; sequence: number };

/**
 * The functions that have work, as a reader of the log sees them: opens the consumer of a function at its first item, and removes it when the
 * function was idle for ten minutes (CONS1, CONS3).
 *
 * The memory grows with the functions that had an item within these ten minutes, and with no others.
 */
export class AwakeFunctions {
  readonly #options: AwakeFunctionsOptions;
  readonly #awake = new Map<FunctionName, Awake>();
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(options: AwakeFunctionsOptions) {
    this.#options = options;
    // Each consumer that cannot be opened waits with it, and no server may answer.
    setMaxListeners(0, options.signal);
  }

  /** Called for every message of the log, so it allocates nothing for a function that is awake. */
  readonly fold = (entry: LogEntry): void => {
    if (entry.kind === 'append') return;
    const name = entry.kind === 'request' ? entry.name.function : entry.wakes?.function;
    if (name === undefined) return;
    const known = this.#awake.get(name);
    if (known !== undefined) {
      known.usedAt = this.#options.clock.now();
      known.sequence = entry.sequence;
    } else if (this.#options.exists(name)) this.#wake(name, entry.sequence);
  };

  /** Looks and removes until the signal aborts. Never rejects. */
  async keep(): Promise<void> {
    const { clock, signal, logger } = this.#options;
    while (!signal.aborted) {
      try {
        await this.look();
        await this.removeAllIdle();
      } catch (error) {
        if (!signal.aborted) logger[levelOf(error)]({ error: messageOf(error) }, 'the consumers could not be listed');
      }
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  /**
   * Compares the memory with the list of the server: a function whose consumer is gone is opened again, if it has work (CONS4). A consumer that
   * this process did not open is known from now on, and that of a function that does not exist is deleted.
   */
  async look(): Promise<void> {
    const { consumers, exists, clock } = this.#options;
    const before = [...this.#awake.keys()];
    const open = await consumers.list();
    for (const name of before) if (!open.has(name) && this.#awake.has(name)) void this.#limited(() => this.#open(name));
    for (const name of open) {
      if (!exists(name)) this.#delete(name);
      else if (!this.#awake.has(name)) this.#awake.set(name, { usedAt: clock.now(), sequence: 0 });
    }
  }

  /** A function was defined, or deleted. Its requests may be older than its definition. */
  changed(name: FunctionName): void {
    if (!this.#options.exists(name)) this.#delete(name);
    else if (!this.#awake.has(name)) void this.#limited(() => this.#openIfRequested(name));
  }

  async #openIfRequested(name: FunctionName): Promise<void> {
    const newest = await this.#options.consumers.newestItem(name).catch((error: unknown) => this.#report(name, error));
    // Without an answer, the consumer is asked for until there is one.
    if (newest !== 0 && !this.#awake.has(name)) this.#wake(name, newest ?? 0);
  }

  #wake(name: FunctionName, sequence: number): void {
    this.#awake.set(name, { usedAt: this.#options.clock.now(), sequence });
    void this.#limited(() => this.#open(name));
  }

  /** Opens a consumer, again until the server has answered (CONS1). Never rejects. */
  async #open(name: FunctionName): Promise<void> {
    const { consumers, clock, signal, exists } = this.#options;
    const known = this.#awake.get(name);
    if (signal.aborted || known === undefined) return;
    const { sequence } = known;
    try {
      if (await openConsumer(consumers, name)) return consumers.hint(name);
      if (this.#awake.get(name) !== known) return;
      // An item that arrived after the answer of the log does not call this function itself.
      if (known.sequence === sequence || !exists(name)) this.#awake.delete(name);
      else void this.#limited(() => this.#open(name));
    } catch (error) {
      this.#report(name, error);
      // Outside of the limit, so that consumers which cannot be opened do not hold up the others.
      void clock.sleep(OPEN_AGAIN_AFTER_MS, signal).then(() => this.#limited(() => this.#open(name)));
    }
  }

  /** Removes the consumers of the functions that were idle for long. */
  async removeAllIdle(): Promise<void> {
    const { clock, keeps, idleAfterInMs = IDLE_AFTER_MS } = this.#options;
    const since = clock.now() - idleAfterInMs;
    const idle = [...this.#awake].filter(([name, { usedAt }]) => usedAt < since && !keeps(name));
    await Promise.all(idle.map(([name]) => this.#limited(() => this.#removeIdle(name))));
  }

  async #removeIdle(name: FunctionName): Promise<void> {
    const { consumers, clock } = this.#options;
    // An item that is read from now on opens the consumer.
    this.#awake.delete(name);
    const isGone = await removeIdleConsumer(consumers, name).catch((error: unknown) => this.#report(name, error));
    if (isGone === true || this.#awake.has(name)) return;
    this.#awake.set(name, { usedAt: clock.now(), sequence: 0 });
    consumers.hint(name);
  }

  /** A failure is repeated by the next look. */
  #delete(name: FunctionName): void {
    this.#awake.delete(name);
    this.#limited(() => this.#options.consumers.delete(name))
      // The function may be defined again meanwhile, and its new consumer may have been the one that was deleted.
      .then(() => this.#options.exists(name) && this.changed(name))
      .catch((error: unknown) => this.#report(name, error));
  }

  async #limited<Result>(run: () => Promise<Result>): Promise<Result> {
    while (this.#running >= MAX_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    this.#running++;
    try {
      return await run();
    } finally {
      this.#running--;
      const [next] = this.#waiting;
      if (next !== undefined) {
        this.#waiting.delete(next);
        next();
      }
    }
  }

  #report(name: FunctionName, error: unknown): undefined {
    const { logger, signal } = this.#options;
    if (!signal.aborted) logger[levelOf(error)]({ function: name, error: messageOf(error) }, 'a consumer could not be opened or removed');
    return undefined;
  }
}
