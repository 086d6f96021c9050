/**
 * SQLite, whichever the runtime has: `node:sqlite` (Node 22.13 and later), else `libsql`. Nothing else knows which.
 */
export type Value = string | number | null | Uint8Array;
export type Row = Value[];

export interface Statement {
  run(values: readonly Value[]): void;
  all(values?: readonly Value[]): Row[];
  get(values?: readonly Value[]): Row | undefined;
}

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

type Raw = { all(values: readonly Value[]): Row[]; get(values: readonly Value[]): Row | undefined };
type LibsqlStatement = { run(values: readonly Value[]): unknown; raw(): Raw };
type Libsql = new (file: string, options?: object) => { exec(sql: string): void; prepare(sql: string): LibsqlStatement; close(): void };
type NodeStatement = { run(...values: readonly Value[]): unknown; all(...values: readonly Value[]): Record<string, Value>[] };
type NodeSqlite = new (file: string) => { exec(sql: string): void; prepare(sql: string): NodeStatement; close(): void };

export type OpenDatabase = (file: string) => Database;

/** Finds the SQLite of this runtime. Loaded once, and only by who needs it. */
export async function findSqlite(): Promise<OpenDatabase> {
  const builtIn = (process as { getBuiltinModule?: (name: string) => unknown }).getBuiltinModule?.('node:sqlite') as
    | { DatabaseSync: NodeSqlite }
    | undefined;
  if (builtIn !== undefined) return (file) => overNode(new builtIn.DatabaseSync(file));
  const { default: open } = (await import('libsql')) as unknown as { default: Libsql };
  return (file) => overLibsql(new open(file));
}

function overLibsql(database: InstanceType<Libsql>): Database {
  return {
    exec: (sql) => void database.exec(sql),
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql);
      let raw: Raw | undefined;
      const reading = (): Raw => {
        raw ??= statement.raw();
        return raw;
      };
      return {
        run: (values) => void statement.run(values),
        all: (values = []) => reading().all(values),
        get: (values = []) => reading().get(values),
      };
    },
  };
}

function overNode(database: InstanceType<NodeSqlite>): Database {
  return {
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql);
      const all = (values: readonly Value[] = []): Row[] => statement.all(...values).map((row) => Object.values(row));
      return { run: (values) => void statement.run(...values), all, get: (values) => all(values)[0] };
    },
  };
}
