import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { get } from '../api/http.ts';
import { Icon } from '../parts/icon.tsx';
import { lookOf } from '../parts/state.tsx';
import { useAsked } from '../shell/asked.ts';
import { useKeys } from '../shell/keys.ts';
import { changeQuery, navigate, paths } from '../shell/router.tsx';
import { chips, type Filter, further, isNarrowed, spans } from './filter.ts';

/** The names of `machines/facts.ts`, which the page does not load: it would bring a parser of 60 KB. */
const conditionNames = [
  'UnhandledInvocationError',
  'EventAgeExceeded',
  'FunctionNotFound',
  'PayloadTooLarge',
  'InvalidPayload',
  'InvalidRequest',
  'LoopDetected',
  'InvocationCanceled',
  'SystemError',
];

export type Counts = { by_state: Partial<Record<string, number>>; by_status: Partial<Record<string, number>>; most: number };

export function Chips({ filter, counts }: { filter: Filter; counts: Counts | undefined }) {
  return (
    <fieldset class="chips">
      <legend class="unseen">State</legend>
      {chips.map(({ key, field, value }) => {
        const isOn = field === undefined ? filter.state === undefined && filter.status === undefined : filter[field] === value;
        const look = field === undefined ? undefined : lookOf(value);
        return (
          <button
            key={key}
            type="button"
            class={`chip ${look === undefined ? '' : `tone-${look.tone}`}`}
            aria-pressed={isOn}
            onClick={() =>
              changeQuery({ state: undefined, status: undefined, ...(field === undefined ? {} : { [field]: value }) }, { replace: false })
            }
          >
            {look === undefined ? null : <Icon name={look.icon} size={14} />}
            <span>{look?.word ?? 'All'}</span>
            <span class="count">{countOf(counts, field, value)}</span>
          </button>
        );
      })}
      {further.map((field) =>
        filter[field] === undefined ? null : (
          <button
            key={field}
            type="button"
            class="chip further"
            title={`Show them whatever their ${wordsOf(field)}`}
            onClick={() => changeQuery({ [field]: undefined }, { replace: false })}
          >
            <span>
              {wordsOf(field)} <code>{filter[field]}</code>
            </span>
            <Icon name="close" size={12} />
          </button>
        ),
      )}
      {isNarrowed(filter) ? (
        <button type="button" class="button quiet small" onClick={() => navigate(paths.invocations)}>
          Clear
        </button>
      ) : null}
    </fieldset>
  );
}

function wordsOf(field: keyof Filter): string {
  return field.replaceAll('_', ' ');
}

function countOf(counts: Counts | undefined, field: 'state' | 'status' | undefined, value: string): string {
  if (counts === undefined) return ' ';
  const all = Object.values(counts.by_state).map((one = 0) => one);
  const found = field === undefined ? all : [(field === 'state' ? counts.by_state : counts.by_status)[value] ?? 0];
  const isAtLeast = found.some((one) => one >= counts.most);
  return `${found.reduce((sum, one) => sum + one, 0).toLocaleString('en')}${isAtLeast ? '+' : ''}`;
}

export function SearchBar({ filter }: { filter: Filter }) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(filter.text ?? '');
  // Before the next key: what is typed at once after another filter was chosen would be lost.
  useLayoutEffect(() => setText(filter.text ?? ''), [filter.text]);
  useKeys({ '/': () => input.current?.focus() });
  const search = async (event: Event): Promise<void> => {
    event.preventDefault();
    // The keys are for the rows again.
    input.current?.blur();
    const wanted = text.trim();
    // A request id opens its invocation, if there is one.
    if (/^[A-Za-z0-9_-]{1,64}$/.test(wanted)) {
      try {
        await get(`/api/invocations/${wanted}`);
        return navigate(paths.invocation(wanted));
      } catch {
        // No id, so it is words.
      }
    }
    changeQuery({ text: wanted }, { replace: false });
  };
  return (
    <search class="search-bar">
      <form onSubmit={search} class="search">
        <Icon name="search" />
        <input
          ref={input}
          type="search"
          aria-label="Search by request id, or by words of the payload or of the error"
          placeholder="Request id, or words of payload or error"
          value={text}
          maxLength={256}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
          onBlur={() => {
            if (text.trim() === '' && filter.text !== undefined) changeQuery({ text: undefined });
          }}
        />
        <kbd title="the key that leads here">/</kbd>
      </form>
      <FunctionChoice value={filter.function} />
      <select aria-label="Time" value={filter.since ?? ''} onChange={({ currentTarget }) => changeQuery({ since: currentTarget.value })}>
        <option value="">Any time</option>
        {spans.map(({ value, word }) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </select>
      <select
        aria-label="Condition"
        value={filter.condition ?? ''}
        onChange={({ currentTarget }) => changeQuery({ condition: currentTarget.value })}
      >
        <option value="">Any condition</option>
        {conditionNames.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </search>
  );
}

type Named = { functions: { name: string }[] };

function FunctionChoice({ value }: { value: string | undefined }) {
  const { content } = useAsked('functions', (signal) => get<Named>('/api/functions', signal));
  const names = (content?.functions ?? []).map(({ name }) => name);
  // A function that is gone has a past all the same.
  const choices = value === undefined || names.includes(value) ? names : [...names, value];
  return (
    <select aria-label="Function" value={value ?? ''} onChange={({ currentTarget }) => changeQuery({ function: currentTarget.value })}>
      <option value="">All functions</option>
      {choices.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
