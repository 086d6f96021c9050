import type { Erasure } from '#src/core/log/erasure.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { StoredEntry } from '#src/core/log/log-source.ts';
import { PLACES } from './fold.ts';
import { CLOCK_BUCKET, MAX_INDEXED } from './schema.ts';
import type { Database, Statement } from './sqlite.ts';
import { toEntry } from './to-entry.ts';

/**
 * Forgets what an erasure of the log means, by the same rule as whoever erased it there, and from what was folded before it alone:
 * so it does not matter whether it is still in the log, or the archive, when the log is read again (P1).
 */
export interface Forgetting {
  /** To be called in a transaction, once all before it is stored. Returns how many invocations it forgot. */
  forget(erasure: Erasure, place: { sequence: number; at: number }): number;
}

export function prepareForgetting(database: Database, decode: (entry: StoredEntry) => FullLogEntry): Forgetting {
  const remove = prepareRemoval(database, decode);
  const note = database.prepare('INSERT OR REPLACE INTO erasures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const isLate = database.prepare('SELECT 1 FROM appends WHERE birth = ? AND sequence > ?');
  const isOpen = database.prepare(
    "SELECT 1 FROM invocations i JOIN deliveries d ON d.invocation = i.seq WHERE i.birth = ? AND i.seq >= ? AND d.state IN ('pending', 'delivering', 'backingOff')",
  );
  return {
    forget(erasure, { sequence, at }) {
      const { id, scope, function: fn, before, until, by, reason } = erasure;
      note.run([sequence, at, id, scope, fn ?? null, before, until, by, reason ?? null]);
      let forgotten = 0;
      for (const birth of birthsOf(database, erasure)) {
        if (isLate.get([birth, until]) !== undefined || isOpen.get([birth, birth * PLACES]) !== undefined) continue;
        forgotten += remove(birth);
      }
      return forgotten;
    },
  };
}

/** The streams whose invocations were all accepted in time and are all over. */
function birthsOf(database: Database, { function: fn, before, until }: Erasure): number[] {
  const newest = database.prepare('SELECT max(bucket) FROM clock WHERE first_at < ?').get([before])?.[0] ?? -1;
  const bound = Math.min((Number(newest) + 1) * CLOCK_BUCKET, until + 1) * PLACES;
  const sql = `SELECT birth FROM invocations WHERE seq < ? ${fn === undefined ? '' : 'AND function = ?'} GROUP BY birth
    HAVING max(accepted_at) < ? AND min(state = 'notified') = 1`;
  return database
    .prepare(sql)
    .all(fn === undefined ? [bound, before] : [bound, fn, before])
    .map(([birth]) => Number(birth));
}

/** Removes a stream: its rows, its appends, what they did wrong, and its words from the indexes. */
function prepareRemoval(database: Database, decode: (entry: StoredEntry) => FullLogEntry): (birth: number) => number {
  const requests = database.prepare(
    "SELECT sequence, at, subject, headers, body FROM appends WHERE birth = ? AND subject LIKE 'invoke.%' ORDER BY sequence",
  );
  const members = database.prepare('SELECT seq FROM invocations WHERE birth = ?');
  const removeWords = database.prepare("INSERT INTO payload_words(payload_words, rowid, text) VALUES ('delete', ?, ?)");
  const removals: Statement[] = ['DELETE FROM error_words WHERE rowid = ?', 'DELETE FROM deliveries WHERE invocation = ?'].map((sql) =>
    database.prepare(sql),
  );
  const endings: Statement[] = [
    "DELETE FROM problems WHERE kind <> 'gap' AND sequence IN (SELECT sequence FROM appends WHERE birth = ?)",
    'DELETE FROM appends WHERE birth = ?',
    'DELETE FROM invocations WHERE birth = ?',
  ].map((sql) => database.prepare(sql));

  function payloadsOf(birth: number): Map<number, string> {
    const payloads = new Map<number, string>();
    for (const row of requests.all([birth])) {
      const entry = decode(toEntry(row));
      if (entry.kind !== 'request') continue;
      for (const [place, { payload }] of entry.message.requests.entries()) payloads.set(entry.sequence * PLACES + place, payload);
    }
    return payloads;
  }

  return (birth) => {
    const payloads = payloadsOf(birth);
    const seqs = members.all([birth]).map(([seq]) => Number(seq));
    for (const seq of seqs) {
      // Only what was indexed can be taken out: the very same text.
      const payload = payloads.get(seq) ?? '';
      if (payload !== '') removeWords.run([seq, payload.slice(0, MAX_INDEXED)]);
      for (const removal of removals) removal.run([seq]);
    }
    for (const ending of endings) ending.run([birth]);
    return seqs.length;
  };
}
