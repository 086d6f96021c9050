import type { FunctionName } from '#src/core/names/names.ts';
import { queueIdOf } from '#src/scheduler/slots/entry-counts.ts';
import { type SharedTurns, WaitingKey } from './waiting-key.ts';

type PoolOptions = { streams: (key: string) => ConstructorParameters<typeof WaitingKey>[1]; onEmpty: () => void };

/**
 * The keys of one pool for which invocations wait.
 *
 * A key is ready when something happened that may let one of its invocations be listed in the entry of the pool: an invocation of the key began or
 * ended to wait, or the entry named one of them no longer. Ready keys get their turn one after another. So a change costs the same whatever the
 * number of keys is.
 *
 * Functions of a pool share the slots of a key. Of those with equal limits, one is ready for a free slot, and passes its turn on when it leaves
 * room. So a free slot costs the same whatever the number of functions is.
 */
export class WaitingPool {
  readonly #keys = new Map<string, WaitingKey>();
  readonly #ready = new Map<string, WaitingKey>();
  /** The same by the key alone, because functions of a pool share its slots. */
  readonly #byKey = new Map<string, SharedTurns[]>();
  /** How many keys each function has. */
  readonly #functions = new Map<FunctionName, number>();
  readonly #options: PoolOptions;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get readyCount(): number {
    return this.#ready.size;
  }

  /** The key of a function. It is ready, because an invocation is added to it. */
  add(fn: FunctionName, key: string): WaitingKey {
    const id = queueIdOf(fn, key);
    const known = this.#keys.get(id);
    if (known !== undefined) {
      this.#makeReady(known);
      return known;
    }
    const waiting = new WaitingKey({ id, key, function: fn }, this.#options.streams(key));
    this.#ready.set(id, waiting);
    this.#keys.set(id, waiting);
    this.#join(waiting, id);
    this.#functions.set(fn, (this.#functions.get(fn) ?? 0) + 1);
    return waiting;
  }

  markReady(id: string): void {
    const waiting = this.#keys.get(id);
    if (waiting !== undefined) this.#makeReady(waiting);
  }

  /** A slot or a token of a key is free, or an attempt of it left the entry. Functions without keys count the slots of all keys. */
  markKeyReady(key: string): void {
    for (const one of new Set([key, ''])) for (const turns of this.#byKey.get(one) ?? []) this.#giveTurn(turns, turns.queues.size - 1);
  }

  /** From now on the queue takes turns with those of its key that have the same limits; without limits, it gets each turn. */
  share(waiting: WaitingKey, limits: string = waiting.id): void {
    if (waiting.turns?.limits === limits) return;
    this.#leave(waiting);
    this.#join(waiting, limits);
  }

  /** The queue left room in the entry, so the next one of its turn is ready. */
  passOn(waiting: WaitingKey): void {
    const { turns } = waiting;
    if (turns !== undefined && turns.passes > 0) this.#giveTurn(turns, turns.passes - 1);
  }

  /** All keys of a function are ready, because its definition changed. */
  markFunctionReady(name: FunctionName): void {
    for (const waiting of this.#keys.values()) if (waiting.function === name) this.#makeReady(waiting);
  }

  get functions(): Iterable<FunctionName> {
    return this.#functions.keys();
  }

  /** Takes the ready key whose turn is longest ago. A key for which no invocation waits is forgotten. */
  takeReady(): WaitingKey | undefined {
    for (const [id, waiting] of this.#ready) {
      this.#ready.delete(id);
      if (!waiting.isEmpty) return waiting;
      this.passOn(waiting);
      this.#forget(waiting);
    }
    return undefined;
  }

  #makeReady(waiting: WaitingKey): void {
    this.#ready.set(waiting.id, waiting);
    if (waiting.turns !== undefined) waiting.turns.passes = waiting.turns.queues.size - 1;
  }

  #giveTurn(turns: SharedTurns, passes: number): void {
    const { queues } = turns;
    turns.passes = passes;
    for (const [id, waiting] of queues) {
      queues.delete(id);
      queues.set(id, waiting);
      this.#ready.set(id, waiting);
      return;
    }
  }

  #join(waiting: WaitingKey, limits: string): void {
    const alike = this.#byKey.get(waiting.key) ?? [];
    const turns = alike.find((one) => one.limits === limits) ?? { limits, queues: new Map<string, WaitingKey>(), passes: 0 };
    if (turns.queues.size === 0) this.#byKey.set(waiting.key, [...alike, turns]);
    turns.queues.set(waiting.id, waiting);
    turns.passes = turns.queues.size - 1;
    waiting.turns = turns;
  }

  #leave({ id, key, turns }: WaitingKey): void {
    turns?.queues.delete(id);
    if (turns?.queues.size !== 0) return;
    const alike = this.#byKey.get(key)?.filter((one) => one !== turns) ?? [];
    if (alike.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, alike);
  }

  #forget(waiting: WaitingKey): void {
    const { id, function: name } = waiting;
    this.#keys.delete(id);
    this.#leave(waiting);
    const left = (this.#functions.get(name) ?? 0) - 1;
    if (left > 0) this.#functions.set(name, left);
    else this.#functions.delete(name);
    if (this.#keys.size === 0) this.#options.onEmpty();
  }
}
