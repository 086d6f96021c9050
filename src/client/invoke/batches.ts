import type { FactOf, OpensBatch } from '#machines/facts.ts';
import type { ClientHistory } from '#src/client/history/history.ts';
import { loadOpenStream } from '#src/client/history/load-open-stream.ts';
import type { BatchSummary } from '#src/core/batch-questions.ts';
import { AmbiguousIdError, BatchNotFoundError } from '#src/core/errors.ts';
import { withId } from '#src/core/functions/definition.ts';
import type { AskOptions, HistoryPage, InvocationDetail } from '#src/core/history-questions.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { openingIdOf } from '#src/core/names/delivery-ids.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { parseFunctionName, parseRequestId } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { OpenRequests } from '#src/core/ports/questions/open-requests.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';

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

/** The members of a batch with their responses, in the order of their acceptance, part by part: all that its counts have. */
export async function* readMembers(
  history: Pick<ClientHistory, 'list' | 'get'>,
  { id: batch, function: fn, sequence: atLeast }: Pick<FoundBatch, 'id' | 'function' | 'sequence'>,
): AsyncGenerator<InvocationDetail[]> {
  const query = { batch, function: fn, order: 'oldest' as const, limit: PART };
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: HistoryPage = await history.list(cursor === '' ? query : { ...query, cursor }, { atLeast });
    yield await Promise.all(page.invocations.map(({ id }) => history.get(id, { function: fn }, { atLeast })));
    cursor = page.cursor;
  }
}

/** When an open batch is sealed that nobody sealed: a day after its opening, so that a long input is not cut (T1). */
const SEAL_WITHIN = '+24h';

/** A batch that is opened: its function, its id, and who is told at its end. */
export type OpenBatchOptions = {
  /** The function that its members invoke. */
  function: string;
  /** The id of the batch. */
  id: string;
  /** The destinations that are told once all members are over: a list, in the form of those of a policy. */
  onComplete?: unknown;
  /** The batch whose failed members its members run again. */
  redriveOf?: string | undefined;
};

type OpenedBatch = Pick<OpenBatchOptions, 'function' | 'id'> & { request?: number | undefined };

/** Why a batch is sealed. */
type SealReason = Exclude<FactOf<'batch.sealed'>['reason'], 'abandoned'>;

/** Records the cancellation of a batch. A batch that is not open in the log is opened first, so that its later members do not start either. */
export async function recordCancellation(
  batches: Pick<Batches, 'open' | 'seal'>,
  { id, function: fn, openedAs }: Pick<BatchSummary, 'id' | 'function' | 'openedAs'>,
): Promise<void> {
  const request = openedAs === null ? await batches.open({ function: fn, id }) : undefined;
  await batches.seal({ function: fn, id, request }, 'canceled');
}

/** Opens and seals batches. A batch is opened before the first member is sent, and sealed after the last one. */
export interface Batches {
  /**
   * Opens a batch; durable when the promise resolves, to the sequence of its request. A repetition opens nothing, and changes no destination.
   * Throws `InvalidInputError` for an id or a destination that cannot be used.
   *
   * @param batch Its function, its id, and the destinations that are told once all members are over.
   * @example
   * import { connectClient } from 'sequent-functions/client';
   *
   * await using client = await connectClient();
   * const batch = { function: 'resize', id: 'photos-2026-01' };
   * const request = await client.batches.open({ ...batch, onComplete: [{ destination: 'FunctionGraph', param: { func_urn: 'report' } }] });
   * await client.invokeMany('resize', [{ photo: 1 }, { photo: 2 }], { batch: batch.id });
   * await client.batches.seal({ ...batch, request });
   */
  open(batch: OpenBatchOptions): Promise<number>;
  /**
   * States that no further member is awaited. Once all members have an outcome, the destinations are told. Returns false for a batch that was
   * sealed before. With the reason `canceled`, a sealed batch is cancelled too, once: no member that the log accepts later starts (FAN4). Throws `BatchNotFoundError` for a batch that nobody opened. `request`: what `open` resolved to.
   */
  seal(batch: OpenedBatch, reason?: SealReason): Promise<boolean>;
}

export type BatchesOptions = {
  log: EventLog;
  clock: Clock;
  by: string;
  appendId: () => string;
  /** Finds requests that have no append yet. */
  findQueued: OpenRequests['find'];
  check: FunctionRegistry['checkDestinations'];
};

export function createBatches({ log, clock, by, appendId, findQueued, check }: BatchesOptions): Batches {
  const nameOf = ({ function: fn, id }: Pick<OpenBatchOptions, 'function' | 'id'>) => {
    const name = parseFunctionName(fn);
    const request = openingIdOf(name, parseRequestId(id));
    return { request, name: { function: name, stream: streamOf(request) } };
  };

  return {
    async open({ onComplete = [], redriveOf, ...batch }) {
      const { request, name } = nameOf(batch);
      const destinations = await check(name.function, onComplete, 'onComplete');
      const opens: OpensBatch = { batch: batch.id };
      if (destinations.length > 0) opens.onComplete = destinations.map(withId);
      if (redriveOf !== undefined) opens.redriveOf = redriveOf;
      const { sequence } = await log.accept(name, [{ id: request, payload: '', opens, deliverAt: SEAL_WITHIN, once: true }]);
      return sequence;
    },
    async seal(batch, reason = 'ended') {
      const { request, name } = nameOf(batch);
      const state = await loadOpenStream(name, { log, findQueued, clock }, batch.request);
      if (state === undefined) throw new BatchNotFoundError({ id: batch.id });
      const writer = new StreamWriter({ log, state, by, appendId, clock });
      const effects = await writer.propose(request, [{ type: 'batch.sealed', invocation: request, at: clock.now(), reason }]);
      return effects !== undefined;
    },
  };
}
