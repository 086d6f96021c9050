import type { Database, Statement, Value } from './sqlite.ts';

/** Inserts rows into one table, many by one statement, because a call costs more than a row. Call `flush` after the last row. */
export interface Inserter {
  /** The values of the rows that are not inserted yet. */
  readonly values: Value[];
  /** The index in `values` from which on the caller writes the next row. */
  next(): number;
  add(row: readonly Value[]): void;
  /** Inserts the rows that are not inserted yet. */
  flush(): void;
}

/** The numbers of rows for which there is a statement. */
const SIZES = [64, 8, 1] as const;

/** `head` is the statement up to `VALUES`. */
export function createInserter(database: Database, head: string, columns: number): Inserter {
  return new StatementInserter(database, head, columns);
}

class StatementInserter implements Inserter {
  readonly values: Value[];
  readonly #columns: number;
  readonly #statements: readonly { length: number; statement: Statement }[];
  #filled = 0;

  constructor(database: Database, head: string, columns: number) {
    const row = `(${Array(columns).fill('?').join(',')})`;
    this.values = Array(SIZES[0] * columns).fill(null);
    this.#columns = columns;
    this.#statements = SIZES.map((size) => ({
      length: size * columns,
      statement: database.prepare(`${head} VALUES ${Array(size).fill(row).join(',')}`),
    }));
  }

  next(): number {
    if (this.#filled === this.values.length) this.#insert();
    const at = this.#filled;
    this.#filled += this.#columns;
    return at;
  }

  add(row: readonly Value[]): void {
    const at = this.next();
    for (let index = 0; index < this.#columns; index++) this.values[at + index] = row[index] ?? null;
  }

  flush(): void {
    if (this.#filled > 0) this.#insert();
    // Payloads are not kept until the next burst.
    this.values.fill(null);
  }

  #insert(): void {
    const { values } = this;
    let done = 0;
    for (const { length, statement } of this.#statements) {
      for (; this.#filled - done >= length; done += length) {
        statement.run(length === values.length ? values : values.slice(done, done + length));
      }
    }
    this.#filled = 0;
  }
}
