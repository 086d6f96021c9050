import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import type { Field } from '../../parts/forms/form-fields.tsx';

/** The debounce of a flow, as the user types it. */
type DebounceDraft = Record<'wait' | 'maxWait' | 'keep', string>;

export const noDebounce: DebounceDraft = { wait: '', maxWait: '', keep: '' };

export function debounceDraftOf({ debounce }: NonNullable<FunctionView['definition']['flow']>): DebounceDraft {
  const { wait = '', maxWait = '', keep = '' } = debounce ?? {};
  return { wait, maxWait, keep };
}

/** The debounce as a part of a flow; empty when no field is filled. */
export function debounceOf({ wait, maxWait, keep }: DebounceDraft): { debounce?: object } {
  if (wait === '' && maxWait === '' && keep === '') return {};
  return { debounce: { wait, keep, ...(maxWait === '' ? {} : { maxWait }) } };
}

export const debounceFields: readonly Field<keyof DebounceDraft>[] = [
  {
    name: 'wait',
    label: 'Debounce',
    hint: 'requests of a key run once, when none came for this time: 5s; empty for no debounce',
    at: ['/flow/debounce/wait', '/flow/debounce'],
    unit: 'duration',
  },
  {
    name: 'maxWait',
    label: 'Longest debounce',
    hint: 'after the first request; empty for ten times the debounce',
    at: '/flow/debounce/maxWait',
    unit: 'duration',
  },
  {
    name: 'keep',
    label: 'Debounce keeps',
    hint: 'what runs when the requests of a key run once',
    at: '/flow/debounce/keep',
    options: [
      { value: '', label: 'without debounce' },
      { value: 'last', label: 'last: the newest request' },
      { value: 'all', label: 'all: one attempt with all events' },
    ],
  },
];
