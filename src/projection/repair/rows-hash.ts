import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { comparedTables } from '#src/projection/store/schema.ts';
import type { Database, Value } from '#src/projection/store/sqlite.ts';

export type TableHash = { table: string; rows: number; hash: string };

const ROWS_PER_CHUNK = 2_000;

/**
 * Hashes every row of every compared table, in order. Yields to the event loop after each chunk.
 *
 * No rows may be written until the promise resolves.
 */
export async function hashRows(database: Database): Promise<TableHash[]> {
  const hashes: TableHash[] = [];
  for (const [table, order] of Object.entries(comparedTables)) {
    const hash = createHash('sha256');
    let rows = 0;
    for await (const chunk of chunksOf(database, table, order)) {
      for (const row of chunk) hash.update(JSON.stringify(row.map(comparable)));
      rows += chunk.length;
    }
    hashes.push({ table, rows, hash: hash.digest('hex') });
  }
  return hashes;
}

async function* chunksOf(database: Database, table: string, order: string): AsyncGenerator<Value[][]> {
  const keys = order.split(', ');
  const placeholders = keys.map(() => '?').join(', ');
  const first = database.prepare(`SELECT ${order}, * FROM ${table} ORDER BY ${order} LIMIT ${ROWS_PER_CHUNK}`);
  const later = database.prepare(
    `SELECT ${order}, * FROM ${table} WHERE (${order}) > (${placeholders}) ORDER BY ${order} LIMIT ${ROWS_PER_CHUNK}`,
  );
  let rows = first.all();
  while (rows.length > 0) {
    yield rows;
    await setImmediate();
    rows = later.all((rows.at(-1) ?? []).slice(0, keys.length));
  }
}

function comparable(value: Value): unknown {
  return typeof value === 'object' && value !== null ? Buffer.from(value).toString('base64') : value;
}
