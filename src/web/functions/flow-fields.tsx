import type { FunctionView } from '#src/gateway/api/schemas/functions.ts';
import type { ApiError } from '../api/http.ts';
import { FormField, messageAt, numberOrText } from '../parts/form-field.tsx';
import { t } from '../shell/language.ts';
import '../styles/flow.css';

/** The flow of a function, as the user types it. Without a concurrency there is no flow. */
export type FlowDraft = { concurrency: string; key: string; total: string; pool: string };

export const noFlow: FlowDraft = { concurrency: '', key: '', total: '', pool: '' };

export function flowDraftOf({ flow }: FunctionView['definition']): FlowDraft {
  if (flow === undefined) return noFlow;
  const { concurrency, key = '', total, pool = '' } = flow;
  return { concurrency: String(concurrency), key, total: total === undefined ? '' : String(total), pool };
}

/** The flow of a definition; `undefined` when no field is filled. The gateway refuses what is wrong. */
export function flowOf({ concurrency, key, total, pool }: FlowDraft): object | undefined {
  if ([concurrency, key, total, pool].every((text) => text.trim() === '')) return undefined;
  return {
    concurrency: numberOrText(concurrency),
    ...(key === '' ? {} : { key }),
    ...(total === '' ? {} : { total: numberOrText(total) }),
    ...(pool === '' ? {} : { pool }),
  };
}

type FlowFieldsProps = { draft: FlowDraft; problem: ApiError | undefined; onChange: (draft: FlowDraft) => void };

/** The limits over all workers. */
export function FlowFields({ draft, problem, onChange }: FlowFieldsProps) {
  const set = (changed: Partial<FlowDraft>): void => onChange({ ...draft, ...changed });
  return (
    <fieldset class="flow-fields" aria-label={t('Flow over all workers')}>
      <FormField
        label={t('At once over all workers')}
        hint={t('1 to 1,000 attempts, of each key if there is a key; empty for no limit')}
        isNumber
        value={draft.concurrency}
        message={messageAt(problem, '/flow/concurrency')}
        onChange={(concurrency) => set({ concurrency })}
      />
      <FormField
        label={t('Key')}
        hint={t('where the key is in the event, such as $.customer')}
        value={draft.key}
        message={messageAt(problem, '/flow/key')}
        onChange={(key) => set({ key })}
      />
      <FormField
        label={t('All keys together')}
        hint={t('1 to 1,000 attempts; empty for no limit')}
        isNumber
        value={draft.total}
        message={messageAt(problem, '/flow/total')}
        onChange={(total) => set({ total })}
      />
      <FormField
        label={t('Pool')}
        hint={t('functions of the same pool share their slots')}
        value={draft.pool}
        message={messageAt(problem, '/flow/pool')}
        onChange={(pool) => set({ pool })}
      />
    </fieldset>
  );
}
