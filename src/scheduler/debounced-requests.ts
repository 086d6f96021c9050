import type { Debounced } from '#src/core/flow/debounce-groups.ts';
import { type Grouped, invocationAt } from '#src/core/flow/stream-waits.ts';
import type { StreamName } from '#src/core/log/event-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';

/** A request that waits for its group, with its stream. */
export type WaitingRequest = Debounced & { readonly name: StreamName };

/** A request that leads a closed group. `members`: the ids of the others; `undefined` before its stream was read. */
export type Leader = {
  readonly name: StreamName;
  readonly request: number;
  readonly invocation: string;
  members: ReadonlySet<string> | undefined;
  /** When the members became known here. */
  knownAt: number;
};

/** The requests of one function that are debounced with one key. */
export type DebouncedKey = {
  readonly id: string;
  readonly function: FunctionName;
  readonly requests: Map<string, WaitingRequest>;
  readonly leaders: Map<string, Leader>;
  /** When the key is looked at next; `undefined` after a change. */
  lookAt: number | undefined;
  /** Whether the key is looked at now. */
  isBusy: boolean;
};

/** What the scheduler knows of a stream. */
type Source = { name: StreamName; request: number; acceptedAt: number; bytes: number };
type Entry = { key: DebouncedKey; invocation: string };

/**
 * The requests that wait for their groups, and the leaders of the closed ones, by function and key. Folded from headers.
 *
 * The append that closes a group precedes everything that its members do, so a reader of the log in its order knows the leader before it misses
 * a member.
 */
export class DebouncedRequests {
  readonly #keys = new Map<string, DebouncedKey>();
  readonly #bySlot = new Map<number, readonly Entry[]>();
  /** Whether a key changed since the last look. */
  hasChanged = false;

  get keys(): Iterable<DebouncedKey> {
    return this.#keys.values();
  }

  has(slot: number): boolean {
    return this.#bySlot.has(slot);
  }

  /** Takes over what the invocations of a stream do. */
  set(slot: number, grouped: readonly Grouped[], source: Source): void {
    for (const { key, invocation } of this.#bySlot.get(slot) ?? []) {
      key.requests.delete(invocation);
      this.#touch(key);
    }
    const entries = grouped.map((one) => this.#add(one, source));
    if (entries.length === 0) this.#bySlot.delete(slot);
    else this.#bySlot.set(slot, entries);
  }

  /** Forgets the leaders without a waiting member, and the key if nothing remains of it. */
  prune(key: DebouncedKey): void {
    for (const [id, { members }] of key.leaders) {
      const isOver = members !== undefined && ![...members].some((member) => key.requests.has(member));
      // The members began to wait before their group was closed. When no request waits, none of them does.
      if (isOver || key.requests.size === 0) key.leaders.delete(id);
    }
    if (key.requests.size === 0 && key.leaders.size === 0) this.#keys.delete(key.id);
  }

  #add({ index, part, key: text, dueAt }: Grouped, { name, request, acceptedAt, bytes }: Source): Entry {
    const key = this.#keyOf(name.function, text);
    const invocation = invocationAt(name.stream, index);
    if (part === 'waits') key.requests.set(invocation, { invocation, name, request, index, at: dueAt ?? acceptedAt, bytes });
    else if (!key.leaders.has(invocation)) key.leaders.set(invocation, { name, request, invocation, members: undefined, knownAt: 0 });
    this.#touch(key);
    return { key, invocation };
  }

  #keyOf(name: FunctionName, text: string): DebouncedKey {
    const id = `${name}/${text}`;
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    const added: DebouncedKey = { id, function: name, requests: new Map(), leaders: new Map(), lookAt: undefined, isBusy: false };
    this.#keys.set(id, added);
    return added;
  }

  #touch(key: DebouncedKey): void {
    key.lookAt = undefined;
    this.hasChanged = true;
  }
}
