import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import type { SqlQuery } from '#src/core/sql-questions.ts';
import { runSql } from '#src/projection/sql/run-sql.ts';
import { findSqlite } from '#src/projection/store/sqlite.ts';

/** The entry point of the process of one query. It reads a question from stdin, and writes the answer to stdout. */
export type SqlQuestion = { file: string; query: SqlQuery };

async function main(): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  const { file, query } = JSON.parse(Buffer.concat(parts).toString()) as SqlQuestion;
  const open = await findSqlite();
  let reply: object;
  try {
    reply = { answer: runSql(open, file, query) };
  } catch (error) {
    reply = { problem: messageOf(error), isInput: error instanceof InvalidInputError };
  }
  process.stdout.write(JSON.stringify(reply));
}

await main();
