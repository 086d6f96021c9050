import { useEffect, useState } from 'preact/hooks';
import type { BulkOperationView } from '#src/gateway/api/repair/bulk-operation-schemas.ts';
import { type ApiError, get, post } from '../../api/http.ts';
import { formatNumber, t } from '../../shell/language.ts';
import { useRole } from '../../shell/login/session.ts';
import { showToast } from '../../shell/toasts.tsx';
import { problemOf } from '../../shell/use-fetch.ts';

const READ_EVERY_MS = 700;

/** Whether an operation goes on, also when its gateway ended and another one will continue it. */
export function isRunning({ state }: Pick<BulkOperationView, 'state'>): boolean {
  return state === 'running' || state === 'interrupted';
}

/** Whether an operation can be aborted. An erasure that the log has must be finished everywhere. */
export function canAbort(operation: Pick<BulkOperationView, 'state' | 'action' | 'step'>): boolean {
  return isRunning(operation) && (operation.action !== 'purge' || operation.step === 'searching');
}

type Followed = { operations: readonly BulkOperationView[]; problem: ApiError | undefined };

/** Reads operations until all of them are over. Until the first answer there is none. They continue when the component is removed. */
export function useOperations(ids: readonly string[]): Followed {
  const [followed, setFollowed] = useState<Followed>({ operations: [], problem: undefined });
  const key = ids.join(' ');
  useEffect(() => {
    const reading = new AbortController();
    const onRead = (change: Partial<Followed>): void => setFollowed((present) => ({ ...present, ...change }));
    void follow(key === '' ? [] : key.split(' '), { signal: reading.signal, onRead });
    return () => reading.abort();
  }, [key]);
  return followed;
}

type FollowOptions = { signal: AbortSignal; onRead: (change: Partial<Followed>) => void };

async function follow(ids: readonly string[], { signal, onRead }: FollowOptions): Promise<void> {
  for (let isOver = ids.length === 0; !isOver; ) {
    try {
      const operations = await Promise.all(ids.map((id) => get<BulkOperationView>(`/api/bulk/${id}`, signal)));
      if (signal.aborted) return;
      onRead({ operations, problem: undefined });
      isOver = !operations.some(isRunning);
    } catch (thrown) {
      if (signal.aborted) return;
      return onRead({ problem: problemOf(thrown) });
    }
    if (!isOver) await new Promise((resolve) => setTimeout(resolve, READ_EVERY_MS));
  }
}

/** How far operations are, as a bar. Absent while the number of their invocations is not known. */
export function OperationProgress({ operations }: { operations: readonly BulkOperationView[] }) {
  const sum = (value: (one: BulkOperationView) => number): number => operations.reduce((total, one) => total + value(one), 0);
  const total = sum((one) => one.total ?? 0);
  if (total === 0) return null;
  const handled = Math.min(
    total,
    sum(({ done, failed, left_out }) => done + failed + left_out),
  );
  const text = t('{done} of {total}', { done: formatNumber(handled), total: formatNumber(total) });
  return (
    <div class="operation-progress">
      <progress max={total} value={handled} aria-label={t('Progress')} />
      <small>{text}</small>
    </div>
  );
}

/** Ends a bulk operation early. */
export function AbortButton({ id }: { id: string }) {
  const [isAsked, setIsAsked] = useState(false);
  const { disabled, ...role } = useRole('admin');
  const abort = async (): Promise<void> => {
    setIsAsked(true);
    try {
      await post(`/api/bulk/${id}/abort`);
    } catch (thrown) {
      setIsAsked(false);
      showToast(problemOf(thrown).message, 'problem');
    }
  };
  return (
    <button type="button" class="button small" disabled={disabled || isAsked} {...role} onClick={() => void abort()}>
      {isAsked ? t('Aborting…') : t('Abort')}
    </button>
  );
}
