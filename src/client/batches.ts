import type { BatchSummary } from '#src/core/batch-questions.ts';
import { AmbiguousIdError, BatchNotFoundError } from '#src/core/errors.ts';
import type { AskOptions, HistoryPage, InvocationDetail } from '#src/core/history-questions.ts';
import type { ClientHistory } from './history.ts';

/** The id of a batch, which several functions may use (ID1). `project`: of a caller that sees one project. */
export type BatchName = { id: string; function?: string | undefined; project?: string | undefined };

/** A batch, and the sequence of the log up to which its members are counted. */
export type FoundBatch = BatchSummary & { sequence: number };

/**
 * Finds a batch by its members.
 *
 * Throws `BatchNotFoundError`, and `AmbiguousIdError` when several functions have a batch with this id and none is named.
 */
export async function findBatch(
  history: Pick<ClientHistory, 'batches'>,
  { id, function: fn, project }: BatchName,
  freshness: Pick<AskOptions, 'atLeast'> = {},
): Promise<FoundBatch> {
  const query = { id, ...(fn === undefined ? {} : { function: fn }), ...(project === undefined ? {} : { project }) };
  const { batches, sequence } = await history.batches(query, freshness);
  const [batch, ...others] = batches;
  if (batch === undefined) throw new BatchNotFoundError({ id });
  if (others.length > 0) throw new AmbiguousIdError({ id, functions: batches.map((one) => one.function).sort() });
  return { ...batch, sequence };
}

/** How many members have no outcome. */
export function openMembersOf({ byStatus }: BatchSummary): number {
  return (byStatus.WAIT ?? 0) + (byStatus.RUNNING ?? 0);
}

/** The members whose results are read together. */
const PART = 50;

/** The members of a batch with their responses, in the order of their acceptance, part by part. */
export async function* readMembers(
  history: Pick<ClientHistory, 'list' | 'get'>,
  { id: batch, function: fn }: Pick<BatchSummary, 'id' | 'function'>,
): AsyncGenerator<InvocationDetail[]> {
  const query = { batch, function: fn, order: 'oldest' as const, limit: PART };
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: HistoryPage = await history.list(cursor === '' ? query : { ...query, cursor });
    yield await Promise.all(page.invocations.map(({ id }) => history.get(id, { function: fn })));
    cursor = page.cursor;
  }
}
