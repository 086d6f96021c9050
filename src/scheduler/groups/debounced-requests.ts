import type { Debounced } from '#src/core/flow/debounce-groups.ts';
import { type Grouped, invocationAt } from '#src/core/flow/stream-waits.ts';
import type { StreamName } from '#src/core/log/event-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { createDueTimes, ValueColumn } from '#src/scheduler/open/chunked-lists.ts';
import { PartedMap } from '#src/scheduler/open/parted-map.ts';

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
  /** The number of the key in the queue of due times. */
  readonly number: number;
  readonly function: FunctionName;
  readonly requests: Map<string, WaitingRequest>;
  readonly leaders: Map<string, Leader>;
  /** When the key is looked at next: the time of its only entry in the queue that counts. `undefined` while it has none. */
  lookAt: number | undefined;
  /** Whether the key is looked at now. */
  isBusy: boolean;
};

/** What the scheduler knows of a stream. */
type Source = { name: StreamName; request: number; acceptedAt: number; bytes: number };
type Entry = { key: DebouncedKey; invocation: string };

/** A key that changed is looked at before all others. */
const AT_ONCE = 0;

/**
 * The requests that wait for their groups, and the leaders of the closed ones, by function and key. Folded from headers.
 *
 * A key is looked at when it changed, and when it is due. Many thousand keys may wait, so a change of one costs nothing for the others.
 *
 * The append that closes a group precedes everything that its members do, so a reader of the log in its order knows the leader before it misses
 * a member.
 */
export class DebouncedRequests {
  readonly #keys = new PartedMap<DebouncedKey>();
  readonly #byRow = new ValueColumn<readonly Entry[]>();
  readonly #byNumber = new ValueColumn<DebouncedKey>();
  #numbers = 0;
  readonly #freeNumbers: number[] = [];
  readonly #due = createDueTimes();

  /** When a key is to be looked at next, or before that; infinite when nothing is debounced. */
  get nextDueAt(): number {
    return this.#due.next;
  }

  /** Returns a key that is to be looked at, once. Only `lookAgain` and a change bring the key again. */
  takeDue(now: number): DebouncedKey | undefined {
    for (;;) {
      const at = this.#due.next;
      const number = this.#due.takeDue(now);
      if (number === undefined) return undefined;
      const key = this.#byNumber.get(number);
      // Other entries of the key are older, or of a key that had the number before.
      if (key?.lookAt !== at) continue;
      key.lookAt = undefined;
      return key;
    }
  }

  /** Has a key looked at again: at a time, or at once. */
  checkAgain(key: DebouncedKey, at = AT_ONCE): void {
    if (key.lookAt === at) return;
    key.lookAt = at;
    this.#due.add(key.number, at);
  }

  has(row: number): boolean {
    return this.#byRow.get(row) !== undefined;
  }

  /** Takes over what the invocations of a stream do. */
  set(row: number, grouped: readonly Grouped[], source: Source): void {
    for (const { key, invocation } of this.#byRow.get(row) ?? []) {
      key.requests.delete(invocation);
      this.checkAgain(key);
    }
    const entries = grouped.map((one) => this.#add(one, source));
    this.#byRow.set(row, entries.length === 0 ? undefined : entries);
  }

  /** Forgets the leaders without a waiting member, and the key if nothing remains of it. Returns whether the key remains. */
  prune(key: DebouncedKey): boolean {
    for (const [id, { members }] of key.leaders) {
      const isOver = members !== undefined && ![...members].some((member) => key.requests.has(member));
      // The members began to wait before their group was closed. When no request waits, none of them does.
      if (isOver || key.requests.size === 0) key.leaders.delete(id);
    }
    if (key.requests.size > 0 || key.leaders.size > 0) return true;
    this.#keys.delete(key.id);
    this.#byNumber.set(key.number, undefined);
    this.#freeNumbers.push(key.number);
    return false;
  }

  #add({ index, part, key: text, dueAt }: Grouped, { name, request, acceptedAt, bytes }: Source): Entry {
    const key = this.#keyOf(name.function, text);
    const invocation = invocationAt(name.stream, index);
    if (part === 'waits') key.requests.set(invocation, { invocation, name, request, index, at: dueAt ?? acceptedAt, bytes });
    else if (!key.leaders.has(invocation)) key.leaders.set(invocation, { name, request, invocation, members: undefined, knownAt: 0 });
    this.checkAgain(key);
    return { key, invocation };
  }

  #keyOf(name: FunctionName, text: string): DebouncedKey {
    const id = `${name}/${text}`;
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    const number = this.#freeNumbers.pop() ?? this.#numbers++;
    const added: DebouncedKey = { id, number, function: name, requests: new Map(), leaders: new Map(), lookAt: undefined, isBusy: false };
    this.#keys.set(id, added);
    this.#byNumber.set(number, added);
    return added;
  }
}
