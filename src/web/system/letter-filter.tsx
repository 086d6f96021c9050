import { describeTarget } from '../functions/definition/destination-kinds.ts';
import { Icon } from '../parts/icon.tsx';
import { t } from '../shell/language.ts';
import { changeQuery } from '../shell/router.tsx';

/** The filter of dead letters, as the API names its fields. An empty field is absent. */
export type LetterFilter = { function: string; destination: string; target: string; reason: string };

const noCursor = { cursor: undefined };

export function filterIn(query: URLSearchParams): LetterFilter {
  const field = (name: string): string => query.get(name) ?? '';
  return { function: field('function'), destination: field('destination'), target: field('target'), reason: field('reason') };
}

export function isFiltered(filter: LetterFilter): boolean {
  return Object.values(filter).some((value) => value !== '');
}

/** The filter as the body of a request: without empty fields. */
export function bodyOf(filter: LetterFilter): Partial<LetterFilter> {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ''));
}

/** Shows the letters that match, from the first page on. */
export function showMatching(filter: Partial<LetterFilter>): void {
  changeQuery({ ...filter, ...noCursor });
}

/** A button for each field of the filter, which removes it. */
export function FilterChips({ filter }: { filter: LetterFilter }) {
  const { function: name, destination, target, reason } = filter;
  const chips = [
    { text: name === '' ? '' : t('of {name}', { name }), removed: { function: '' } },
    { text: targetText(destination, target), removed: { destination: '', target: '' } },
    { text: reason, removed: { reason: '' } },
  ];
  return (
    <>
      {chips.map(({ text, removed }) =>
        text === '' ? null : (
          <button key={text} type="button" class="button small letter-filter" onClick={() => showMatching(removed)}>
            <span>{text}</span> <Icon name="close" size={14} />
          </button>
        ),
      )}
    </>
  );
}

function targetText(destination: string, target: string): string {
  if (target === '') return destination;
  const { title, note } = describeTarget(destination, target);
  return `${title} ${note}`;
}
