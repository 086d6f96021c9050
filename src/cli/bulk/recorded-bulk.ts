import { userInfo } from 'node:os';
import type { SequentClient } from '#src/client/client.ts';
import { type BulkOperation, bulkFailureOf, MAX_FAILURES, type StoredBulk } from '#src/core/bulk/bulk-operation.ts';
import { openBulkStore } from './bulk-store.ts';

/** The record of the bulk operation that a command performs, so that others see its progress and can abort it. */
export interface RecordedBulk {
  readonly id: string;
  /** Whether a user has asked to abort. The next save reads the request. */
  readonly isAborted: boolean;
  done(): void;
  leftOut(): void;
  failed(subject: { id: string; function: string }, error: unknown): void;
  /** Saves the end. */
  end(): Promise<void>;
}

type Started = Pick<BulkOperation, 'action' | 'filter' | 'batch' | 'batchRequest'> & { total: number };

const SAVE_EVERY_MS = 1_000;

/** Records a new operation, and saves its progress every second until `end`. */
export async function recordBulk(client: SequentClient, started: Started): Promise<RecordedBulk> {
  const bulks = await openBulkStore(client);
  const by = userInfo().username;
  let known: StoredBulk = await bulks.create({ ...started, by, runner: 'cli' });
  const counts = { done: 0, failed: 0, leftOut: 0, failures: [] as BulkOperation['failures'] };
  let saving = Promise.resolve();
  const save = (change: Partial<BulkOperation> = {}): Promise<void> => {
    saving = saving.then(async () => {
      known = (await bulks.saveProgress(known, { ...counts, ...change })) ?? known;
    });
    return saving;
  };
  // A record that cannot be saved does not end the operation. The last save reports the error.
  const timer = setInterval(() => void save().catch(() => {}), SAVE_EVERY_MS);
  const isAborted = (): boolean => known.operation.abortBy !== undefined;
  return {
    id: known.id,
    get isAborted() {
      return isAborted();
    },
    done: () => void counts.done++,
    leftOut: () => void counts.leftOut++,
    failed(subject, error) {
      counts.failed++;
      if (counts.failures.length < MAX_FAILURES) counts.failures.push(bulkFailureOf(subject, error));
    },
    async end() {
      clearInterval(timer);
      const isComplete = counts.done + counts.failed + counts.leftOut >= started.total;
      await save({ state: isComplete ? 'done' : isAborted() ? 'aborted' : 'failed', endedAt: client.clock.now() });
    },
  };
}
