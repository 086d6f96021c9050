import { NOT_ENCRYPTED } from '#src/core/encryption/sealed-text.ts';
import type { Erasure } from '#src/core/log/erasure.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { StoredEntry } from '#src/core/log/log-source.ts';
import { MAX_BATCH } from '#src/core/names/ids.ts';
import type { LogPosition } from '#src/projection/fold/projected-invocation.ts';
import { Tallies, talliedColumns } from '#src/projection/stats/tallies.ts';
import { CLOCK_BUCKET, MAX_INDEXED } from './schema.ts';
import type { Database } from './sqlite.ts';
import { toEntry } from './to-entry.ts';

/**
 * Removes the invocations that an erasure of the log covers.
 *
 * Invariant: the covered invocations follow from the messages before the erasure alone, by the rule of the janitor. The read model
 * therefore does not depend on whether the log or the archive still holds an erased message when the log is read again (P1).
 */
export interface Erasing {
  /** Call this function in a transaction, after all earlier changes are stored. Returns the number of removed invocations. */
  erase(erasure: Erasure, position: LogPosition): number;
}

export function prepareErasing(database: Database, decode: (entry: StoredEntry) => FullLogEntry): Erasing {
  const remove = prepareRemoval(database, decode);
  const record = database.prepare('INSERT OR REPLACE INTO erasures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const hasLaterAppend = database.prepare('SELECT 1 FROM appends WHERE request_sequence = ? AND sequence > ?');
  const hasOpenDelivery = database.prepare(
    "SELECT 1 FROM invocations i JOIN deliveries d ON d.invocation = i.seq WHERE i.request_sequence = ? AND i.seq >= ? AND d.state IN ('pending', 'delivering', 'backingOff')",
  );
  return {
    erase(erasure, { sequence, at }) {
      const { id, scope, function: fn, before, until, by, reason } = erasure;
      record.run([sequence, at, id, scope, fn ?? null, before, until, by, reason ?? null]);
      let removed = 0;
      for (const stream of notifiedStreams(database, erasure)) {
        if (hasLaterAppend.get([stream, until]) !== undefined) continue;
        if (hasOpenDelivery.get([stream, stream * MAX_BATCH]) !== undefined) continue;
        removed += remove(stream);
      }
      return removed;
    },
  };
}

/** The streams whose invocations were all accepted before the time of the erasure and are all notified, by their request sequence. */
function notifiedStreams(database: Database, { function: fn, before, until, only }: Erasure): number[] {
  const newest = database.prepare('SELECT max(bucket) FROM clock WHERE first_at < ?').get([before])?.[0] ?? -1;
  const bound = Math.min((Number(newest) + 1) * CLOCK_BUCKET, until + 1) * MAX_BATCH;
  const sql = `SELECT request_sequence FROM invocations WHERE seq < ? ${fn === undefined ? '' : 'AND function = ?'} GROUP BY request_sequence
    HAVING max(accepted_at) < ? AND min(state = 'notified') = 1
    ${only === undefined ? '' : "AND min(condition IS 'InvalidRequest' AND instr(ifnull(error, ''), ?) > 0) = 1"}`;
  return database
    .prepare(sql)
    .all([bound, ...(fn === undefined ? [] : [fn]), before, ...(only === undefined ? [] : [NOT_ENCRYPTED])])
    .map(([requestSequence]) => Number(requestSequence));
}

/** Returns a function that removes a stream: its invocations, appends, problems and indexed words. */
function prepareRemoval(database: Database, decode: (entry: StoredEntry) => FullLogEntry): (requestSequence: number) => number {
  const readRequests = database.prepare(
    "SELECT sequence, at, subject, headers, body FROM appends WHERE request_sequence = ? AND (subject LIKE 'invoke.%' OR subject LIKE 'derived.%') ORDER BY sequence",
  );
  const findInvocations = database.prepare(`SELECT seq, ${talliedColumns.join(', ')} FROM invocations WHERE request_sequence = ?`);
  const tallies = new Tallies(database);
  const removeWords = database.prepare("INSERT INTO payload_words(payload_words, rowid, text) VALUES ('delete', ?, ?)");
  const invocationRemovals = ['DELETE FROM error_words WHERE rowid = ?', 'DELETE FROM deliveries WHERE invocation = ?'].map((sql) =>
    database.prepare(sql),
  );
  const streamRemovals = [
    "DELETE FROM problems WHERE kind <> 'gap' AND sequence IN (SELECT sequence FROM appends WHERE request_sequence = ?)",
    'DELETE FROM appends WHERE request_sequence = ?',
    'DELETE FROM invocations WHERE request_sequence = ?',
  ].map((sql) => database.prepare(sql));

  function payloadsOf(requestSequence: number): Map<number, string> {
    const payloads = new Map<number, string>();
    for (const row of readRequests.all([requestSequence])) {
      const entry = decode(toEntry(row));
      if (entry.kind !== 'request') continue;
      for (const [index, { payload }] of entry.message.requests.entries()) payloads.set(entry.sequence * MAX_BATCH + index, payload);
    }
    return payloads;
  }

  return (requestSequence) => {
    const payloads = payloadsOf(requestSequence);
    const found = findInvocations.all([requestSequence]);
    for (const [key, ...values] of found) {
      const seq = Number(key);
      tallies.add(tallies.of(values), -1);
      // FTS5 removes words from a contentless index only by the very text that was indexed.
      const payload = payloads.get(seq) ?? '';
      if (payload !== '') removeWords.run([seq, payload.slice(0, MAX_INDEXED)]);
      for (const removal of invocationRemovals) removal.run([seq]);
    }
    tallies.flush();
    for (const removal of streamRemovals) removal.run([requestSequence]);
    return found.length;
  };
}
