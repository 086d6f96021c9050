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
const SEPARATOR = '\u0000';

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

/** The keys that an invocation with these values adds 1 to. The row of a batch itself is not counted. */
export function tallyOf([fn, at, version, state, condition, retries, dueAt, startedAt, duration, openedBatch]: readonly Value[]): string[] {
  if (openedBatch !== null) return [];
  const acceptedAt = Number(at);
  const group = `${String(fn)}${SEPARATOR}${Math.floor(acceptedAt / HOUR_IN_MS) * HOUR_IN_MS}${SEPARATOR}${String(version ?? '')}${SEPARATOR}`;
  const keys = [`${group}${String(state)}${SEPARATOR}${String(condition ?? '')}${SEPARATOR}${Number(retries)}`];
  if (duration !== null) keys.push(`${group}duration${SEPARATOR}${roundLength(Number(duration))}`);
  if (startedAt !== null) keys.push(`${group}queue${SEPARATOR}${roundLength(Number(startedAt) - Number(dueAt ?? acceptedAt))}`);
  return keys;
}

/** Whole milliseconds are exact below 128; longer lengths are the middle of one of 64 parts of their doubling, at most 0.8 % away. */
export function roundLength(inMs: number): number {
  if (inMs < 128) return Math.round(inMs);
  const step = 2 ** (Math.floor(Math.log2(inMs)) - 6);
  return Math.floor(inMs / step) * step + step / 2;
}

/** Collects the differences of one transaction. */
export class Tallies {
  readonly #differences = new Map<string, number>();
  readonly #counts: TallyTable;
  readonly #lengths: TallyTable;

  constructor(database: Database) {
    this.#counts = tableOf(database, 'stats_counts', ['function', 'hour', 'version', 'state', 'condition', 'retries']);
    this.#lengths = tableOf(database, 'stats_lengths', ['function', 'hour', 'version', 'kind', 'length']);
  }

  add(keys: readonly string[], difference: 1 | -1): void {
    for (const key of keys) this.#differences.set(key, (this.#differences.get(key) ?? 0) + difference);
  }

  /** Writes the differences. Call it in the transaction of the rows. */
  flush(): void {
    for (const [key, difference] of this.#differences) {
      if (difference === 0) continue;
      const values = key.split(SEPARATOR);
      const { put, clean } = values.length === 6 ? this.#counts : this.#lengths;
      put.run([...values, difference]);
      // A rebuild never writes a row that came to nothing.
      if (difference < 0) clean.run(values);
    }
    this.#differences.clear();
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
