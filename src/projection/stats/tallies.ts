import type { InvocationColumn } from '#src/projection/store/schema.ts';
import type { Database, Statement, Value } from '#src/projection/store/sqlite.ts';

/*
 * Counts of invocations by function, hour of acceptance and version, kept as the rows change, so that statistics need not read all rows (P1).
 *
 * 1. An invocation has one count by its state, condition and retries, and up to two lengths: its duration, and its wait for the first attempt.
 * 2. A changed row takes away what its former values added. The tables therefore follow from the rows alone: rebuilt, they are the same.
 * 3. A length is rounded to seven binary digits (`roundLength`), so that an hour has some hundred lengths. Rounded lengths of several hours add up to
 *    the rounded lengths of all.
 */

export const HOUR_IN_MS = 3_600_000;

/** What a tally is computed from, in this order. */
export const talliedColumns = [
  'function',
  'accepted_at',
  'version',
  'state',
  'condition',
  'retries',
  'first_due_at',
  'started_at',
  'duration',
  'opened_batch',
] as const satisfies readonly InvocationColumn[];

/** Whole milliseconds are exact below 128; longer lengths are the middle of one of 64 parts of their doubling, at most 0.8 % away. */
export function roundLength(inMs: number): number {
  if (inMs < 128) return Math.round(inMs);
  const step = 2 ** (Math.floor(Math.log2(inMs)) - 6);
  return Math.floor(inMs / step) * step + step / 2;
}

/** A row of `stats_counts` or `stats_lengths`, and the difference to it that is not written yet. */
class Tally {
  readonly table: 'counts' | 'lengths';
  readonly key: readonly Value[];
  difference = 0;
  isListed = false;

  constructor(table: Tally['table'], key: readonly Value[]) {
    this.table = table;
    this.key = key;
  }
}

/** The tallies that an invocation adds 1 to. */
export type Tallied = readonly Tally[];

/** The tallies of a function, an hour and a version. */
class Group {
  readonly #of: readonly [fn: Value, hour: number, version: Value];
  /** By state; of the invocations without a condition and without a retry, which most are. */
  readonly #plain = new Map<Value, Tally>();
  readonly #counts = new Map<string, Tally>();
  readonly #lengths = { duration: new Map<number, Tally>(), queue: new Map<number, Tally>() };

  constructor(...of: readonly [fn: Value, hour: number, version: Value]) {
    this.#of = of;
  }

  holds(hour: number, version: Value): boolean {
    return this.#of[1] === hour && this.#of[2] === version;
  }

  count(state: Value, condition: Value, retries: Value): Tally {
    if (condition === '' && retries === 0) return this.#find(this.#plain, state, 'counts', [state, condition, retries]);
    return this.#find(this.#counts, JSON.stringify([state, condition, retries]), 'counts', [state, condition, retries]);
  }

  length(kind: 'duration' | 'queue', inMs: number): Tally {
    const length = roundLength(inMs);
    return this.#find(this.#lengths[kind], length, 'lengths', [kind, length]);
  }

  #find<Key>(tallies: Map<Key, Tally>, key: Key, table: Tally['table'], rest: readonly Value[]): Tally {
    let tally = tallies.get(key);
    if (tally === undefined) {
      tally = new Tally(table, [...this.#of, ...rest]);
      tallies.set(key, tally);
    }
    return tally;
  }
}

/** Gives equal invocations the same tallies, because a text for each key of each invocation took a twentieth of the projection's time. */
export class TallyBook {
  readonly #groups = new Map<string, Group>();
  /** The group of each function that was asked for last. */
  readonly #latest = new Map<Value, Group>();

  /** The tallies of an invocation with these values, in the order of `talliedColumns`. The row of a batch itself is not counted. */
  of([fn = null, at, version, state = null, condition, retries, dueAt, startedAt, duration, openedBatch]: readonly Value[]): Tallied {
    if (openedBatch !== null) return [];
    const acceptedAt = Number(at);
    const group = this.#groupOf(fn, Math.floor(acceptedAt / HOUR_IN_MS) * HOUR_IN_MS, version ?? '');
    const tallied = [group.count(state, condition ?? '', Number(retries))];
    if (duration !== null) tallied.push(group.length('duration', Number(duration)));
    if (startedAt !== null) tallied.push(group.length('queue', Number(startedAt) - Number(dueAt ?? acceptedAt)));
    return tallied;
  }

  clear(): void {
    this.#groups.clear();
    this.#latest.clear();
  }

  #groupOf(fn: Value, hour: number, version: Value): Group {
    const latest = this.#latest.get(fn);
    if (latest?.holds(hour, version)) return latest;
    const key = JSON.stringify([fn, hour, version]);
    const group = this.#groups.get(key) ?? new Group(fn, hour, version);
    this.#groups.set(key, group);
    this.#latest.set(fn, group);
    return group;
  }
}

/** Collects the differences of one transaction. */
export class Tallies {
  readonly #book = new TallyBook();
  #changed: Tally[] = [];
  readonly #tables: { readonly [Table in Tally['table']]: TallyTable };

  constructor(database: Database) {
    this.#tables = {
      counts: tableOf(database, 'stats_counts', ['function', 'hour', 'version', 'state', 'condition', 'retries']),
      lengths: tableOf(database, 'stats_lengths', ['function', 'hour', 'version', 'kind', 'length']),
    };
  }

  of(values: readonly Value[]): Tallied {
    return this.#book.of(values);
  }

  add(tallied: Tallied, difference: 1 | -1): void {
    for (const tally of tallied) {
      tally.difference += difference;
      if (tally.isListed) continue;
      tally.isListed = true;
      this.#changed.push(tally);
    }
  }

  /** Writes the differences. Call it in the transaction of the rows. */
  flush(): void {
    for (const tally of this.#changed) {
      const { table, key, difference } = tally;
      tally.difference = 0;
      tally.isListed = false;
      if (difference === 0) continue;
      const { put, clean } = this.#tables[table];
      put.run([...key, difference]);
      // A rebuild never writes a row that came to nothing.
      if (difference < 0) clean.run(key);
    }
    this.#changed = [];
    // An open invocation keeps its tallies. Two tallies of one row add up in the file.
    this.#book.clear();
  }
}

type TallyTable = { put: Statement; clean: Statement };

function tableOf(database: Database, table: string, key: readonly string[]): TallyTable {
  const marks = key.map(() => '?').join(', ');
  return {
    put: database.prepare(`INSERT INTO ${table} VALUES (${marks}, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n`),
    clean: database.prepare(`DELETE FROM ${table} WHERE ${key.map((column) => `${column} = ?`).join(' AND ')} AND n = 0`),
  };
}
