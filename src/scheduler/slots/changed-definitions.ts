import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';
import type { WaitingPool } from '#src/scheduler/waits/waiting-pool.ts';

/** The most changed functions whose keys become ready in one step. */
const MAX_MARKED = 64;

/**
 * The definitions of the functions whose attempts wait, as they were planned last. A changed definition may let the keys of its function have
 * other limits, or none, so all of them become ready: some at a time, because events wait meanwhile.
 */
export class ChangedDefinitions {
  readonly #functions: SchedulerOptions['functions'];
  readonly #definitions = new Map<FunctionName, FunctionEntry | undefined>();
  /** The changed functions whose keys become ready. */
  readonly #marking: Generator<undefined>[] = [];

  constructor(functions: SchedulerOptions['functions']) {
    this.#functions = functions;
  }

  get isMarking(): boolean {
    return this.#marking.length > 0;
  }

  /** An attempt of a function begins to wait. The keys of its first one need not become ready again. */
  note(name: FunctionName, entry: FunctionEntry | undefined): void {
    if (!this.#definitions.has(name)) this.#definitions.set(name, entry);
  }

  /** Finds the changed definitions. A function that was moved has keys in several pools. */
  find(pools: Iterable<WaitingPool>): void {
    const changed = new Map<FunctionName, FunctionEntry | undefined>();
    for (const waiting of pools)
      for (const name of waiting.functions) {
        const present = this.#functions.get(name);
        if (this.#definitions.get(name) === present) continue;
        changed.set(name, present);
        this.#marking.push(waiting.markFunctionReady(name));
      }
    for (const [name, entry] of changed) this.#definitions.set(name, entry);
  }

  /** Makes some keys ready. Returns whether that ended for a function. */
  markSome(): boolean {
    let ended = 0;
    while (ended < MAX_MARKED && this.#marking[ended]?.next().done === true) ended++;
    this.#marking.splice(0, ended);
    return ended > 0;
  }
}
