import { randomBytes } from 'node:crypto';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import type { SqlAnswer, SqlQuery } from '#src/core/sql-questions.ts';
import { isInProject } from '#src/projection/queries/projects.ts';
import type { Database, OpenDatabase, Value } from '#src/projection/store/sqlite.ts';
import { checkSql, type Known, wordsOfSql } from './guard.ts';
import { type SqlTable, selectOf, sqlTables } from './tables.ts';

/** A project with more rows than this in a table needs `sequent sql` of an operator. */
const MAX_PROJECT_ROWS = 500_000;
/** The memory of SQLite for one query. */
const MAX_MEMORY_BYTES = 512 * 1_024 * 1_024;
/** A larger answer is cut. It must fit into one message of NATS, which has 1 MB by default. */
const MAX_ANSWER_BYTES = 512 * 1_024;
/** A longer value is cut. */
const MAX_VALUE_CHARACTERS = 64 * 1_024;

/**
 * Runs one query on a read model. It must run in a process of its own, because SQLite returns only when the query ends.
 *
 * A query of a project (SQL2) sees a database in memory that has the rows of the project alone: the read model is detached before the query is
 * read. A query of the operator sees the documented tables as views.
 */
export function runSql(open: OpenDatabase, file: string, { sql, project, limit }: SqlQuery): SqlAnswer {
  const database = open(':memory:');
  const schema = `s${randomBytes(16).toString('hex')}`;
  try {
    database.exec(`PRAGMA hard_heap_limit=${MAX_MEMORY_BYTES}`);
    database.exec(`ATTACH '${`file:${encodeURI(file)}?mode=ro`.replaceAll("'", "''")}' AS ${schema}`);
    const text = checkSql(sql, knownBy(database, schema));
    const tables = Object.keys(sqlTables) as SqlTable[];
    if (project === undefined) for (const name of tables) database.exec(`CREATE TEMP VIEW ${name} AS ${selectOf(name, schema)}`);
    else {
      const words = wordsOfSql(text);
      for (const name of tables) copy(database, { name, schema, project, isUsed: words.has(name) });
      database.exec(`DETACH ${schema}`);
    }
    database.exec('PRAGMA query_only=1');
    return read(database, text, limit);
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    throw new InvalidInputError(
      { field: 'the SQL', problem: `cannot be run: ${messageOf(error).replaceAll(schema, 'main')}` },
      { cause: error },
    );
  } finally {
    database.close();
  }
}

function knownBy(database: Database, schema: string): Known {
  const namesOf = (sql: string): Set<string> =>
    new Set(
      database
        .prepare(sql)
        .all()
        .map(([name]) => String(name).toLowerCase()),
    );
  const internal = namesOf(`SELECT name FROM ${schema}.sqlite_master`);
  for (const name of Object.keys(sqlTables)) internal.delete(name);
  return {
    functions: namesOf('SELECT name FROM pragma_function_list'),
    modules: namesOf('SELECT name FROM pragma_module_list'),
    internal,
  };
}

type Copy = { name: SqlTable; schema: string; project: string; isUsed: boolean };

/** A table that the query does not name has no rows. */
function copy(database: Database, { name, schema, project, isUsed }: Copy): void {
  const { sql: condition, values } = isInProject('i.function', project);
  database
    .prepare(
      `CREATE TABLE main.${name} AS ${selectOf(name, schema, boundTo(condition, values))} LIMIT ${isUsed ? MAX_PROJECT_ROWS + 1 : 0}`,
    )
    .run([]);
  const [rows] = database.prepare(`SELECT count(*) FROM main.${name}`).get() ?? [];
  if (Number(rows) > MAX_PROJECT_ROWS)
    throw new InvalidInputError({
      field: 'the SQL',
      problem: `reads ${name}, of which the project has more than ${MAX_PROJECT_ROWS} rows`,
    });
}

/** A project is letters, digits, "-" and "_", so its values need no escape; a schema definition takes no parameters. */
function boundTo(condition: string, values: readonly Value[]): string {
  const left = [...values];
  return condition.replaceAll('?', () => `'${String(left.shift())}'`);
}

function read(database: Database, sql: string, limit: number): SqlAnswer {
  const { columns, rows } = database.prepare(sql).iterate();
  const answer: SqlAnswer = { columns, rows: [], isCut: false };
  let bytes = 0;
  for (const row of rows) {
    const shown = row.map(shownValue);
    bytes += JSON.stringify(shown).length;
    if (answer.rows.length >= limit || bytes > MAX_ANSWER_BYTES) return { ...answer, isCut: true };
    answer.rows.push(shown);
  }
  return answer;
}

function shownValue(value: Value): string | number | null {
  if (value instanceof Uint8Array) return `x'${Buffer.from(value.subarray(0, MAX_VALUE_CHARACTERS / 2)).toString('hex')}'`;
  return typeof value === 'string' ? value.slice(0, MAX_VALUE_CHARACTERS) : value;
}
