import { sealBatchOf } from '#src/client/invoke/seal-bulk-batch.ts';
import {
  type BulkFailure,
  type BulkOperation,
  type BulkStore,
  bulkFailureOf,
  bulkStateOf,
  MAX_FAILURES,
  type StoredBulk,
} from '#src/core/bulk/bulk-operation.ts';
import { messageOf, SequentError } from '#src/core/errors.ts';
import type { HistoryFilter, HistoryPage } from '#src/core/history-questions.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { mapConcurrently } from '../api/map-concurrently.ts';
import type { BulkRunner, GatewayClient } from '../ports.ts';
import { isRedriven } from './is-redriven.ts';

export type BulkRunnerOptions = {
  client: Pick<GatewayClient, 'history' | 'repair' | 'cancel' | 'timeline' | 'batches' | 'lastSequence'>;
  bulks: BulkStore;
  clock: Clock;
  logger: Logger;
  /** Ends the work. Another gateway continues the operations. */
  signal: AbortSignal;
};

/** The invocations between two saves: an abort takes effect after as many. */
const PART = 50;
const ADOPT_EVERY_MS = 15_000;

type Subject = { id: string; function: string };
type Result = 'done' | 'left-out' | BulkFailure;

export function createBulkRunner(options: BulkRunnerOptions): BulkRunner {
  const { bulks, clock, logger, signal } = options;
  const running = new Set<string>();
  const start = (stored: StoredBulk): void => {
    if (running.has(stored.id)) return;
    running.add(stored.id);
    run(options, stored)
      .catch((error: unknown) => logger.warn({ bulk: stored.id, error: messageOf(error) }, 'a bulk operation stopped'))
      .finally(() => running.delete(stored.id));
  };
  const adopting = setInterval(() => void adoptInterrupted(), ADOPT_EVERY_MS);
  adopting.unref();
  signal.addEventListener('abort', () => clearInterval(adopting), { once: true });
  return { start };

  /** Continues operations whose gateway ended. The save makes one gateway the only one that does. */
  async function adoptInterrupted(): Promise<void> {
    try {
      for (const known of await bulks.list()) {
        if (known.operation.runner !== 'gateway' || bulkStateOf(known.operation, clock.now()) !== 'interrupted') continue;
        const { isSaved, stored } = await bulks.save(known, {});
        if (isSaved) start(stored);
      }
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'interrupted bulk operations cannot be read');
    }
  }
}

/**
 * `atLeast`: the last sequence of the log when this process began. Every page covers it, because any read model may answer the next page.
 */
type Run = BulkRunnerOptions & { atLeast: number };

async function run(options: BulkRunnerOptions, started: StoredBulk): Promise<void> {
  const begun = { ...options, atLeast: await options.client.lastSequence() };
  let known: StoredBulk | undefined = started;
  while (known !== undefined && known.operation.state === 'running' && !options.signal.aborted) known = await advance(begun, known);
}

/**
 * Performs the next part, and saves the result. Returns `undefined` when another gateway continues the operation.
 *
 * An abort that is written during a part takes effect at the next call, which ends the operation.
 */
async function advance(options: Run, known: StoredBulk): Promise<StoredBulk | undefined> {
  const { client, bulks, clock } = options;
  const change = await changeBy(options, known.operation);
  if (change.state !== undefined) {
    await sealBatchOf(known.operation, client.batches);
    change.endedAt = clock.now();
  }
  return await bulks.saveProgress(known, change);
}

async function changeBy(options: Run, operation: BulkOperation): Promise<Partial<BulkOperation>> {
  if (operation.abortBy !== undefined) return { state: 'aborted' };
  try {
    return await performPart(options, operation);
  } catch (error) {
    return { state: 'failed', problem: messageOf(error) };
  }
}

/** Performs the action for the next invocations. Returns the new counts, and the end of the operation after the last part. */
async function performPart(options: Run, operation: BulkOperation): Promise<Partial<BulkOperation>> {
  const { subjects, cursor } = await nextSubjects(options, operation);
  const results = await mapConcurrently(subjects, (subject) => attempt(options, operation, subject));
  const failures = results.filter((result) => typeof result === 'object');
  return {
    done: operation.done + results.filter((result) => result === 'done').length,
    leftOut: operation.leftOut + results.filter((result) => result === 'left-out').length,
    failed: operation.failed + failures.length,
    failures: [...operation.failures, ...failures].slice(0, MAX_FAILURES),
    ...(cursor === null ? { state: 'done' } : { cursor }),
  };
}

async function nextSubjects(
  { client, atLeast }: Run,
  { chosen, filter, cursor }: BulkOperation,
): Promise<{ subjects: readonly Subject[]; cursor: string | null }> {
  if (chosen !== undefined) {
    const from = Number(cursor ?? 0);
    return { subjects: chosen.slice(from, from + PART), cursor: from + PART >= chosen.length ? null : String(from + PART) };
  }
  const query = { ...(filter as HistoryFilter), limit: PART, ...(cursor === undefined ? {} : { cursor }) };
  const page: HistoryPage = await client.history.list(query, { atLeast });
  return { subjects: page.invocations.map(({ id, function: token }) => ({ id, function: token })), cursor: page.cursor };
}

async function attempt({ client }: BulkRunnerOptions, { action, reason, batch }: BulkOperation, subject: Subject): Promise<Result> {
  const { id, function: token } = subject;
  try {
    if (action === 'cancel') await client.cancel(id, { function: token, ...(reason === undefined ? {} : { reason }) });
    // This read comes first, because a redrive waits for its turn in the quotas of its project.
    else if (await isRedriven(client, subject)) return 'left-out';
    // Another caller may have redriven the invocation since it was read.
    else if ((await client.repair.redriveOnce(id, { function: token, batch })) === undefined) return 'left-out';
    return 'done';
  } catch (error) {
    if (!(error instanceof SequentError) || error.retryable) throw error;
    return bulkFailureOf(subject, error);
  }
}
