/*
 * SQLite of this runtime: `node:sqlite` where it can return rows as arrays (Node 22.16 and later), otherwise `libsql`.
 */

export type Value = string | number | null | Uint8Array;
export type Row = Value[];

export interface Statement {
  run(values: readonly Value[]): void;
  all(values?: readonly Value[]): Row[];
  get(values?: readonly Value[]): Row | undefined;
  /** The names of the columns, and the rows one by one. */
  iterate(): { columns: string[]; rows: Iterable<Row> };
}

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /**
   * Closes the database. Every further call does nothing. libsql keeps the files open, and their space taken, until the statements are
   * collected as garbage. Delete files of a closed database; never shorten these.
   */
  close(): void;
}

type Columns = { columns(): { name: string }[] };
type Raw = { all(values: readonly Value[]): Row[]; get(values: readonly Value[]): Row | undefined; iterate(): Iterable<Row> };
type LibsqlStatement = Columns & { run(values: readonly Value[]): unknown; raw(): Raw };
type Libsql = new (file: string, options?: object) => { exec(sql: string): void; prepare(sql: string): LibsqlStatement; close(): void };
type NodeStatement = Columns & {
  run(...values: readonly Value[]): unknown;
  all(...values: readonly Value[]): Row[];
  get(...values: readonly Value[]): Row | undefined;
  iterate(): Iterable<Row>;
  setReturnArrays(isEnabled: boolean): void;
};
type NodeSqlite = new (file: string) => { exec(sql: string): void; prepare(sql: string): NodeStatement; close(): void };
type NodeModule = { DatabaseSync: NodeSqlite; StatementSync: { prototype: Partial<NodeStatement> } };

export type OpenDatabase = (file: string) => Database;

/** Finds the SQLite of this runtime. Loads the library at the first call. */
export async function findSqlite(): Promise<OpenDatabase> {
  const builtIn = (process as { getBuiltinModule?: (name: string) => unknown }).getBuiltinModule?.('node:sqlite') as NodeModule | undefined;
  // Rows as objects would merge columns of the same name and reorder columns with numeric names.
  if (builtIn?.StatementSync.prototype.setReturnArrays !== undefined) return (file) => wrapNode(new builtIn.DatabaseSync(file));
  const { default: open } = (await import('libsql')) as unknown as { default: Libsql };
  return (file) => wrapLibsql(new open(file));
}

function namesOf(statement: Columns): string[] {
  return statement.columns().map(({ name }) => name);
}

function wrapLibsql(database: InstanceType<Libsql>): Database {
  return {
    exec: (sql) => void database.exec(sql),
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql);
      let raw: Raw | undefined;
      const reader = (): Raw => {
        raw ??= statement.raw();
        return raw;
      };
      return {
        run: (values) => void statement.run(values),
        all: (values = []) => reader().all(values),
        get: (values = []) => reader().get(values),
        iterate: () => ({ columns: namesOf(statement), rows: reader().iterate() }),
      };
    },
  };
}

function wrapNode(database: InstanceType<NodeSqlite>): Database {
  let isOpen = true;
  return {
    exec: (sql) => database.exec(sql),
    close() {
      if (isOpen) database.close();
      isOpen = false;
    },
    prepare(sql) {
      const statement = database.prepare(sql);
      statement.setReturnArrays(true);
      return {
        run: (values) => void statement.run(...values),
        all: (values = []) => statement.all(...values),
        get: (values = []) => statement.get(...values),
        iterate: () => ({ columns: namesOf(statement), rows: statement.iterate() }),
      };
    },
  };
}
