import { parseRateFields, rateFieldsInText } from '#src/core/text/rate-text.ts';
import type { FunctionView } from '#src/gateway/api/schemas/functions.ts';
import type { ApiError } from '../api/http.ts';
import { FormField, messageAt, numberOrText } from '../parts/form-field.tsx';
import { t } from '../shell/language.ts';
import { DebounceFields, debounceDraftOf, debounceOf, noDebounce } from './debounce-fields.tsx';
import '../styles/flow.css';

/** The flow of a function, as the user types it. Without a concurrency and a rate there is no flow. */
export type FlowDraft = Record<
  'concurrency' | 'rate' | 'key' | 'total' | 'pool' | 'order' | 'aging' | 'onRetry' | 'wait' | 'maxWait' | 'keep',
  string
>;

export const noFlow: FlowDraft = {
  concurrency: '',
  rate: '',
  key: '',
  total: '',
  pool: '',
  order: '',
  aging: '',
  onRetry: '',
  ...noDebounce,
};

export function flowDraftOf({ flow }: FunctionView['definition']): FlowDraft {
  if (flow === undefined) return noFlow;
  const { concurrency, rate, key = '', total, pool = '', order = '', aging = '', onRetry = '' } = flow;
  const numbers = { concurrency: textOf(concurrency), rate: rate === undefined ? '' : rateFieldsInText(rate), total: textOf(total) };
  return { ...numbers, key, pool, order, aging, onRetry, ...debounceDraftOf(flow) };
}

/** The flow of a definition; `undefined` when no field is filled. The gateway refuses what is wrong. */
export function flowOf(draft: FlowDraft): object | undefined {
  const { concurrency, rate, key, total, pool, order, aging, onRetry } = draft;
  if (Object.values(draft).every((text) => text.trim() === '')) return undefined;
  return {
    ...(concurrency === '' ? {} : { concurrency: numberOrText(concurrency) }),
    ...(rate === '' ? {} : { rate: parseRateFields(rate) ?? rate }),
    ...(key === '' ? {} : { key }),
    ...(total === '' ? {} : { total: numberOrText(total) }),
    ...(pool === '' ? {} : { pool }),
    ...debounceOf(draft),
    ...(order === '' ? {} : { order }),
    ...(aging === '' ? {} : { aging }),
    ...(onRetry === '' ? {} : { onRetry }),
  };
}

const textOf = (limit: number | undefined): string => (limit === undefined ? '' : String(limit));

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
        label={t('Rate')}
        hint={t('starts in a time, of each key if there is a key: 100/1s, 100/1m:20 with a burst of 20; empty for no rate')}
        value={draft.rate}
        message={messageAt(problem, '/flow/rate')}
        onChange={(rate) => set({ rate })}
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
      <DebounceFields draft={draft} problem={problem} set={set} />
      <FormField
        label={t('Order of requests')}
        hint={t('fifo: the requests of a key start one after another; priority: the most urgent one first; empty for no order')}
        value={draft.order}
        choices={['fifo', 'priority']}
        message={messageAt(problem, '/flow/order')}
        onChange={(order) => set({ order })}
      />
      <FormField
        label={t('Aging')}
        hint={t('with priority: each level puts a request ahead by this time, 1s to 1d; empty for 1m')}
        value={draft.aging}
        message={messageAt(problem, '/flow/aging')}
        onChange={(aging) => set({ aging })}
      />
      <FormField
        label={t('On a retry')}
        hint={t('hold: a failed attempt keeps its key; pass: the next request runs')}
        value={draft.onRetry}
        choices={['hold', 'pass']}
        message={messageAt(problem, '/flow/onRetry')}
        onChange={(onRetry) => set({ onRetry })}
      />
    </fieldset>
  );
}
