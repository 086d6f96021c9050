import { holdsSealed } from '#src/core/encryption/sealed-text.ts';
import type { InvocationSummary } from '#src/core/history-questions.ts';
import { MAX_BATCH } from '#src/core/names/ids.ts';
import type { Database, Row } from '#src/projection/store/sqlite.ts';
import { toEntry } from '#src/projection/store/to-entry.ts';
import type { Decode } from './as-of.ts';
import { toSummary } from './list.ts';

/** The characters of a payload that a list shows. */
const MAX_EXCERPT = 256;
/** A sealed text that is cut cannot be opened, so it is either whole or left out. */
const MAX_SEALED = 4_096;
/** Bounds the answer, which is one message. */
const MAX_TOTAL = 400_000;

/** The summaries of rows, each with the start of its payload; null when the payload is sealed and too long. */
export function withPayloads(database: Database, decode: Decode, rows: readonly Row[]): InvocationSummary[] {
  const find = database.prepare(
    `SELECT a.sequence, a.at, a.subject, a.headers, a.body FROM invocations i JOIN appends a
     ON a.request_sequence = i.request_sequence AND a.sequence = i.seq / ${MAX_BATCH} WHERE i.seq = ?`,
  );
  let total = 0;
  return rows.map((row) => {
    const seq = Number(row[0]);
    const stored = find.get([seq]);
    const entry = stored === undefined ? undefined : decode(toEntry(stored));
    const excerpt = entry?.kind === 'request' ? excerptOf(entry.message.requests[seq % MAX_BATCH]?.payload ?? '') : null;
    total += excerpt?.length ?? 0;
    return { ...toSummary(row), payload: total > MAX_TOTAL ? null : excerpt };
  });
}

function excerptOf(payload: string): string | null {
  if (!holdsSealed(payload)) return payload.slice(0, MAX_EXCERPT);
  return payload.length > MAX_SEALED ? null : payload;
}
