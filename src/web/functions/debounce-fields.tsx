import type { FunctionView } from '#src/gateway/api/schemas/functions.ts';
import type { ApiError } from '../api/http.ts';
import { FormField, messageAt } from '../parts/form-field.tsx';
import { t } from '../shell/language.ts';

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

type Props = { draft: DebounceDraft; problem: ApiError | undefined; set: (changed: Partial<DebounceDraft>) => void };

export function DebounceFields({ draft, problem, set }: Props) {
  return (
    <>
      <FormField
        label={t('Debounce')}
        hint={t('requests of a key run once, when none came for this time: 5s; empty for no debounce')}
        value={draft.wait}
        message={messageAt(problem, '/flow/debounce/wait') ?? messageAt(problem, '/flow/debounce')}
        onChange={(wait) => set({ wait })}
      />
      <FormField
        label={t('Longest debounce')}
        hint={t('after the first request; empty for ten times the debounce')}
        value={draft.maxWait}
        message={messageAt(problem, '/flow/debounce/maxWait')}
        onChange={(maxWait) => set({ maxWait })}
      />
      <FormField
        label={t('Debounce keeps')}
        hint={t('last: the newest request runs; all: one attempt gets the array of all events')}
        value={draft.keep}
        choices={['last', 'all']}
        message={messageAt(problem, '/flow/debounce/keep')}
        onChange={(keep) => set({ keep })}
      />
    </>
  );
}
