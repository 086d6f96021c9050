import type { FunctionName } from '#src/core/names/names.ts';
import { PartedMap } from '#src/scheduler/open/parted-map.ts';
import { queueIdOf } from '#src/scheduler/slots/entry-counts.ts';
import { type SharedTurns, WaitingKey } from './waiting-key.ts';

/** The number of keys that one step reads when all keys of a function become ready. */
const MAX_LOOKS = 4_096;

type PoolOptions = {
  streams: (key: string) => ConstructorParameters<typeof WaitingKey>[1];
  agingOf: (name: FunctionName) => number | undefined;
  onEmpty: () => void;
};

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
  readonly #keys = new PartedMap<WaitingKey>();
  /** The ready keys are a list, because the removed entries before the first one of a map would be passed at each turn. */
  #firstReady: WaitingKey | undefined;
  #lastReady: WaitingKey | undefined;
  #readyCount = 0;
  /** The same by the key alone, because functions of a pool share its slots. */
  readonly #byKey = new PartedMap<SharedTurns[]>();
  /** How many keys each function has. */
  readonly #functions = new Map<FunctionName, number>();
  readonly #options: PoolOptions;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get readyCount(): number {
    return this.#readyCount;
  }

  /** The key of a function. It is ready, because an invocation is added to it. */
  add(fn: FunctionName, key: string): WaitingKey {
    const id = queueIdOf(fn, key);
    const known = this.#keys.get(id);
    if (known !== undefined) {
      this.#makeReady(known);
      return known;
    }
    const waiting = new WaitingKey({ id, key, function: fn }, this.#options.streams(key), this.#options.agingOf(fn));
    this.#listReady(waiting);
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

  /** All keys of a function are ready, because its definition changed. Yields after {@link MAX_LOOKS} keys, so that events need not wait. */
  *markFunctionReady(name: FunctionName): Generator<undefined> {
    let looks = 0;
    for (const waiting of this.#keys.values()) {
      if (waiting.function === name) this.#makeReady(waiting);
      if (++looks % MAX_LOOKS === 0) yield;
    }
  }

  get functions(): Iterable<FunctionName> {
    return this.#functions.keys();
  }

  /** Takes the ready key whose turn is longest ago. A key for which no invocation waits is forgotten. */
  takeReady(): WaitingKey | undefined {
    for (let waiting = this.#firstReady; waiting !== undefined; waiting = this.#firstReady) {
      this.#firstReady = waiting.nextReady;
      if (this.#firstReady === undefined) this.#lastReady = undefined;
      this.#readyCount--;
      waiting.isReady = false;
      waiting.nextReady = undefined;
      if (!waiting.isEmpty) return waiting;
      this.#forget(waiting);
      this.passOn(waiting);
    }
    return undefined;
  }

  #listReady(waiting: WaitingKey): void {
    if (waiting.isReady) return;
    if (this.#lastReady === undefined) this.#firstReady = waiting;
    else this.#lastReady.nextReady = waiting;
    this.#lastReady = waiting;
    this.#readyCount++;
    waiting.isReady = true;
  }

  #makeReady(waiting: WaitingKey): void {
    this.#listReady(waiting);
    if (waiting.turns !== undefined) waiting.turns.passes = waiting.turns.queues.size - 1;
  }

  #giveTurn(turns: SharedTurns, passes: number): void {
    const { queues } = turns;
    turns.passes = passes;
    for (const [id, waiting] of queues) {
      queues.delete(id);
      queues.set(id, waiting);
      this.#listReady(waiting);
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
