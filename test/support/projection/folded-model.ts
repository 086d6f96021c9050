import type { LogSource } from '#src/core/log/log-source.ts';
import { Replay } from '#src/projection/fold/replay.ts';
import { hashRows, type TableHash } from '#src/projection/repair/rows-hash.ts';
import { findSqlite } from '#src/projection/store/sqlite.ts';
import { openStore, type Store } from '#src/projection/store/store.ts';

const open = await findSqlite();

/** A read model in memory. */
export function openModel(source: LogSource, file = ':memory:'): Store {
  const store = openStore({ open, file, decode: source.decode });
  if (store === undefined) throw new Error('no store');
  return store;
}

/** Folds a whole log that ends. */
export async function foldInto(store: Store, source: LogSource): Promise<void> {
  await new Replay({ source, store, created: 'once' }).done;
}

export async function foldedHash(source: LogSource): Promise<TableHash[]> {
  const store = openModel(source);
  await foldInto(store, source);
  const hash = await hashRows(store.database);
  store.close();
  return hash;
}
