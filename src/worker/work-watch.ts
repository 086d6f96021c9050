import { messageOf, NotPermittedError } from '#src/core/errors.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { type Logger, levelOf } from '#src/core/ports/logger.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { readProvedFloor, SCHEDULER_FLOOR } from '#src/core/ports/stores/saved-floor.ts';
import { AwakeFunctions } from '#src/core/stream/awake-functions.ts';
import type { WorkConsumers } from '#src/core/stream/work-consumers.ts';

export type WorkWatchOptions = {
  consumers: WorkConsumers;
  /** The store of the scheduler's floor. */
  state: KeyValue;
  log: Pick<EventLog, 'follow' | 'timeOf'>;
  clock: Clock;
  logger: Logger;
  /** The function, when this worker can run it. */
  runnable: (name: FunctionName) => unknown;
  /** The names of all functions. */
  names: () => Iterable<FunctionName>;
  /** Begins to work for a function that has a consumer. Called again and again. */
  onWork: (name: FunctionName) => void;
  signal: AbortSignal;
};

const LOOK_EVERY_MS = 5_000;
/** The pause between two readings of the log by a worker that stands in for the scheduler. */
const PAUSE_IN_MS = 40;

/**
 * Finds the functions that have work (CONS4, CONS5).
 *
 * 1. A hint of a scheduler, or of another worker, names a function whose consumer was opened.
 * 2. The server lists the consumers every five seconds, so that a lost hint delays work and loses none.
 * 3. While no scheduler covers the log, the worker reads the log itself, from the scheduler's floor: everything below is settled. It opens the
 *    consumers of the functions that it can run.
 */
export async function watchWork(options: WorkWatchOptions): Promise<void> {
  const { consumers, clock, signal, onWork } = options;
  consumers.onHint(onWork, signal);
  const standIn = new StandIn(options);
  signal.addEventListener('abort', () => standIn.end(), { once: true });
  while (!signal.aborted) {
    await Promise.all([look(options), consumers.isCovered().then((isCovered) => (isCovered ? standIn.end() : standIn.start()))]);
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function look({ consumers, names, onWork, logger, signal }: WorkWatchOptions): Promise<void> {
  try {
    for (const name of await consumers.list()) onWork(name);
  } catch (error) {
    if (signal.aborted) return;
    logger[levelOf(error)]({ error: messageOf(error) }, 'the consumers could not be listed');
    // Permissions of an earlier version lack the list. The missing one is reported, and every function has its consumer as before.
    if (error instanceof NotPermittedError) for (const name of names()) onWork(name);
  }
}

/** Opens consumers in place of a scheduler. */
class StandIn {
  readonly #options: WorkWatchOptions;
  #reading: AbortController | undefined;

  constructor(options: WorkWatchOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#reading !== undefined || this.#options.signal.aborted) return;
    const reading = new AbortController();
    this.#reading = reading;
    void this.#read(reading.signal).catch(() => {
      // The floor could not be read. The next look starts again.
      if (this.#reading === reading) this.#reading = undefined;
    });
  }

  end(): void {
    this.#reading?.abort();
    this.#reading = undefined;
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { state, log, runnable, logger } = this.#options;
    const floor = (await readProvedFloor(state, SCHEDULER_FLOOR, log.timeOf))?.floor ?? 1;
    const awake = new AwakeFunctions({ ...this.#options, signal, exists: (name) => runnable(name) !== undefined, keeps: () => true });
    logger.info({ from: floor }, 'no scheduler opens the consumers of functions, so this worker does');
    await log.follow(floor, awake.fold, signal, () => PAUSE_IN_MS);
  }
}
