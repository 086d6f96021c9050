import { parseRateFields, rateFieldsInText } from '#src/core/text/rate-text.ts';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import type { ApiError } from '../../api/http.ts';
import { numberOrText } from '../../parts/forms/form-field.tsx';
import { type Field, FormFields } from '../../parts/forms/form-fields.tsx';
import { t } from '../../shell/language.ts';
import { debounceDraftOf, debounceFields, debounceOf, noDebounce } from './debounce-fields.ts';
import '../../styles/pages/flow.css';

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

const fields: readonly Field<keyof FlowDraft>[] = [
  {
    name: 'concurrency',
    label: 'At once over all workers',
    hint: '1 to 1,000 attempts, of each key if there is a key; empty for no limit',
    at: '/flow/concurrency',
    isNumber: true,
  },
  {
    name: 'rate',
    label: 'Rate',
    hint: 'starts in a time, of each key if there is a key: 100/1s, 100/1m:20 with a burst of 20; empty for no rate',
    at: '/flow/rate',
  },
  { name: 'key', label: 'Key', hint: 'where the key is in the event, such as $.customer', at: '/flow/key' },
  { name: 'total', label: 'All keys together', hint: '1 to 1,000 attempts; empty for no limit', at: '/flow/total', isNumber: true },
  { name: 'pool', label: 'Pool', hint: 'functions of the same pool share their slots', at: '/flow/pool' },
  ...debounceFields,
  {
    name: 'order',
    label: 'Order of requests',
    hint: 'in which order the requests of a key start',
    at: '/flow/order',
    options: [
      { value: '', label: 'no order' },
      { value: 'fifo', label: 'fifo: one after another' },
      { value: 'priority', label: 'priority: the most urgent one first' },
    ],
  },
  {
    name: 'aging',
    label: 'Aging',
    hint: 'with priority: each level puts a request ahead by this time, 1s to 1d; empty for 1m',
    at: '/flow/aging',
    unit: 'duration',
  },
  {
    name: 'onRetry',
    label: 'On a retry',
    hint: 'what happens to its key while a failed attempt waits',
    at: '/flow/onRetry',
    options: [
      { value: '', label: 'as the order says' },
      { value: 'hold', label: 'hold: it keeps the key' },
      { value: 'pass', label: 'pass: the next request runs' },
    ],
  },
];

type FlowFieldsProps = { draft: FlowDraft; problem: ApiError | undefined; onChange: (draft: FlowDraft) => void };

/** The limits over all workers. */
export function FlowFields({ draft, problem, onChange }: FlowFieldsProps) {
  return (
    <fieldset class="flow-fields" aria-label={t('Flow over all workers')}>
      <FormFields fields={fields} values={draft} problem={problem} set={(changed) => onChange({ ...draft, ...changed })} />
    </fieldset>
  );
}
