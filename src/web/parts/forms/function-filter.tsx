import { useEffect, useId, useState } from 'preact/hooks';
import type { FunctionsView } from '#src/gateway/api/functions/function-schemas.ts';
import { get, withQuery } from '../../api/http.ts';
import { t } from '../../shell/language.ts';
import { useFetch } from '../../shell/use-fetch.ts';

/** How many names a person can choose from. The name of a further function is typed. */
const NAMES = 1_000;

/** The names of the first functions, and whether there are more. */
export function useFunctionNames(): { names: readonly string[]; isCut: boolean } {
  const { content } = useFetch('functions', (signal) => get<FunctionsView>(withQuery('/api/functions', { limit: NAMES }), signal));
  return { names: (content?.functions ?? []).map(({ name }) => name), isCut: content?.next_cursor !== undefined };
}

/** Chooses a function whose entries a list shows, or all. */
export function FunctionFilter({ value = '', onChange }: { value: string | undefined; onChange: (name: string) => void }) {
  const { names, isCut } = useFunctionNames();
  const id = useId();
  // The list around this field is read again while a person types.
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const listed = names.map((name) => (
    <option key={name} value={name}>
      {name}
    </option>
  ));
  const change = ({ currentTarget }: { currentTarget: HTMLInputElement | HTMLSelectElement }): void => onChange(currentTarget.value);
  if (isCut)
    return (
      <>
        <input
          type="search"
          aria-label={t('Function')}
          placeholder={t('All functions')}
          value={typed}
          list={id}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          onChange={change}
        />
        <datalist id={id}>{listed}</datalist>
      </>
    );
  return (
    <select aria-label={t('Function')} value={value} onChange={change}>
      <option value="">{t('All functions')}</option>
      {listed}
      {/* A deleted function still has entries. */}
      {value === '' || names.includes(value) ? null : <option value={value}>{value}</option>}
    </select>
  );
}
