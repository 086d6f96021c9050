import { useState } from 'preact/hooks';
import type { BulkOperationView } from '#src/gateway/api/schemas/bulk-operations.ts';
import { post } from '../api/http.ts';
import { t } from '../shell/language.ts';
import { useRole } from '../shell/session.ts';
import { showToast } from '../shell/toasts.tsx';
import { problemOf } from '../shell/use-fetch.ts';

/** Whether an operation goes on, also when its gateway ended and another one will continue it. */
export function isRunning({ state }: Pick<BulkOperationView, 'state'>): boolean {
  return state === 'running' || state === 'interrupted';
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
