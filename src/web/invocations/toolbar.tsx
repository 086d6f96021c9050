import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { get } from '../api/http.ts';
import { FunctionFilter } from '../parts/forms/function-filter.tsx';
import { Icon } from '../parts/icon.tsx';
import { appearanceOf } from '../parts/state-badge.tsx';
import { useKeys } from '../shell/keys.ts';
import { formatNumber, t, translated } from '../shell/language.ts';
import { changeQuery, navigate, paths } from '../shell/router.tsx';
import { problemOf } from '../shell/use-fetch.ts';
import { chips, type Filter, isNarrowed, linkedFields, linkedLabels, orders, type Presentation, timeRanges } from './filter.ts';

/** The dialogs of the list. They are loaded when one is opened. */
export type ListDialogKind = 'range' | 'as-of' | 'columns' | 'views' | 'purge';

/** The conditions of `machines/facts.ts`. Importing that file would add a parser of 60 KB to the page. */
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
      <legend class="unseen">{t('State')}</legend>
      {chips.map(({ key, field, value }) => {
        const isOn = field === undefined ? filter.state === undefined && filter.status === undefined : filter[field] === value;
        const appearance = field === undefined ? undefined : appearanceOf(value);
        return (
          <button
            key={key}
            type="button"
            class={`chip ${appearance === undefined ? '' : `tone-${appearance.tone}`}`}
            aria-pressed={isOn}
            onClick={() =>
              changeQuery({ state: undefined, status: undefined, ...(field === undefined ? {} : { [field]: value }) }, { replace: false })
            }
          >
            {appearance === undefined ? null : <Icon name={appearance.icon} size={14} />}
            <span>{appearance?.label ?? t('All')}</span>
            <span class="count">{countOf(counts, field, value)}</span>
          </button>
        );
      })}
      {linkedFields.map((field) =>
        filter[field] === undefined ? null : (
          <button
            key={field}
            type="button"
            class="chip linked"
            title={t('Remove the filter {name}', { name: t(linkedLabels[field]) })}
            onClick={() => changeQuery({ [field]: undefined }, { replace: false })}
          >
            <span>
              {t(linkedLabels[field])} <code>{filter[field]}</code>
            </span>
            <Icon name="close" size={12} />
          </button>
        ),
      )}
      {isNarrowed(filter) ? (
        <button type="button" class="button quiet small" onClick={() => navigate(paths.invocations)}>
          {t('Clear')}
        </button>
      ) : null}
    </fieldset>
  );
}

function countOf(counts: Counts | undefined, field: 'state' | 'status' | undefined, value: string): string {
  if (counts === undefined) return ' ';
  const all = Object.values(counts.by_state).map((one = 0) => one);
  const found = field === undefined ? all : [(field === 'state' ? counts.by_state : counts.by_status)[value] ?? 0];
  const isLowerBound = found.some((one) => one >= counts.most);
  return `${formatNumber(found.reduce((sum, one) => sum + one, 0))}${isLowerBound ? '+' : ''}`;
}

type SearchBarProps = { filter: Filter; presentation: Presentation; onDialog: (kind: ListDialogKind) => void };

export function SearchBar({ filter, presentation: { sort }, onDialog }: SearchBarProps) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(filter.text ?? '');
  // A layout effect, because it runs before the next key press: a later update would overwrite typed text.
  useLayoutEffect(() => setText(filter.text ?? ''), [filter.text]);
  useKeys({ '/': () => input.current?.focus() });
  const search = async (event: Event): Promise<void> => {
    event.preventDefault();
    // Keys select rows of the list while the focus is not in a field.
    input.current?.blur();
    const term = text.trim();
    // The request id of an existing invocation opens its page.
    if (/^[A-Za-z0-9_-]{1,64}$/.test(term)) {
      try {
        const found = await get<InvocationView>(`/api/invocations/${term}`);
        return navigate(paths.invocation(found.request_id, found.function));
      } catch (thrown) {
        if (problemOf(thrown).code === 'AMBIGUOUS_ID') return navigate(paths.invocation(term));
        // Not a request id: the term is searched for.
      }
    }
    changeQuery({ text: term }, { replace: false });
  };
  return (
    <search class="search-bar">
      <form onSubmit={search} class="search">
        <Icon name="search" />
        <input
          ref={input}
          type="search"
          aria-label={t('Search by request id, or by words of the payload or the error')}
          placeholder={t('Request id, or words of payload or error')}
          value={text}
          maxLength={256}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
          onBlur={() => {
            if (text.trim() === '' && filter.text !== undefined) changeQuery({ text: undefined });
          }}
        />
        <kbd title={t('press / to search')}>/</kbd>
      </form>
      <FunctionFilter value={filter.function} onChange={(name) => changeQuery({ function: name })} />
      <TimeChoice filter={filter} onDialog={onDialog} />
      <Choice
        label={t('Condition')}
        field="condition"
        value={filter.condition}
        all={t('Any condition')}
        choices={conditionNames.map(choiceOf)}
      />
      <Choice label={t('Order')} field="sort" value={sort} all={t('Newest first')} choices={orders} />
    </search>
  );
}

/** The time range: one that ends now, or one that a dialog asks for. */
function TimeChoice({ filter: { since = '', from, to }, onDialog }: Pick<SearchBarProps, 'filter' | 'onDialog'>) {
  const isCustom = from !== undefined || to !== undefined;
  const choose = (select: HTMLSelectElement): void => {
    const { value } = select;
    if (value !== 'range' && value !== 'as-of') return changeQuery({ since: value, from: undefined, to: undefined });
    // Until the dialog is confirmed, the range stays what it was.
    select.value = isCustom ? 'custom' : since;
    onDialog(value);
  };
  return (
    <select aria-label={t('Time')} value={isCustom ? 'custom' : since} onChange={({ currentTarget }) => choose(currentTarget)}>
      <option value="">{t('Any time')}</option>
      {timeRanges.map(({ value, label }) => (
        <option key={value} value={value}>
          {translated(label)}
        </option>
      ))}
      {isCustom ? <option value="custom">{t('Own range')}</option> : null}
      <option value="range">{t('Own range…')}</option>
      <option value="as-of">{t('As of a moment…')}</option>
    </select>
  );
}

function choiceOf(value: string): { value: string; label: string } {
  return { value, label: value };
}

type ChoiceProps = {
  label: string;
  field: keyof Filter | keyof Presentation;
  value: string | undefined;
  /** The label of the choice that removes the filter. */
  all: string;
  choices: readonly { value: string; label: string }[];
};

function Choice({ label, field, value = '', all, choices }: ChoiceProps) {
  return (
    <select aria-label={label} value={value} onChange={({ currentTarget }) => changeQuery({ [field]: currentTarget.value })}>
      <option value="">{all}</option>
      {choices.map((choice) => (
        <option key={choice.value} value={choice.value}>
          {translated(choice.label)}
        </option>
      ))}
    </select>
  );
}
