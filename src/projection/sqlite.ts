/**
 * SQLite of this runtime: `node:sqlite` where it can return rows as arrays (Node 22.16 and later), else `libsql`.
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
  /** Closes the database. Every further call does nothing. */
  close(): void;
}

type Raw = { all(values: readonly Value[]): Row[]; get(values: readonly Value[]): Row | undefined };
type LibsqlStatement = { run(values: readonly Value[]): unknown; raw(): Raw };
type Libsql = new (file: string, options?: object) => { exec(sql: string): void; prepare(sql: string): LibsqlStatement; close(): void };
type NodeStatement = {
  run(...values: readonly Value[]): unknown;
  all(...values: readonly Value[]): Row[];
  get(...values: readonly Value[]): Row | undefined;
  setReturnArrays(isEnabled: boolean): void;
};
type NodeSqlite = new (file: string) => { exec(sql: string): void; prepare(sql: string): NodeStatement; close(): void };
type NodeModule = { DatabaseSync: NodeSqlite; StatementSync: { prototype: Partial<NodeStatement> } };

export type OpenDatabase = (file: string) => Database;

/** Finds the SQLite of this runtime. Loaded once, and only by who needs it. */
export async function findSqlite(): Promise<OpenDatabase> {
  const builtIn = (process as { getBuiltinModule?: (name: string) => unknown }).getBuiltinModule?.('node:sqlite') as NodeModule | undefined;
  // A row as an object merges columns of one name, and puts those with numbers for names first.
  if (builtIn?.StatementSync.prototype.setReturnArrays !== undefined) return (file) => overNode(new builtIn.DatabaseSync(file));
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
      };
    },
  };
}
