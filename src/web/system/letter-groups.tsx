import { useState } from 'preact/hooks';
import type { DeadLetterGroups } from '#src/gateway/api/repair/repair-schemas.ts';
import { get, withQuery } from '../api/http.ts';
import { describeTarget } from '../functions/definition/destination-kinds.ts';
import { messageText } from '../parts/failure-summary.ts';
import { SegmentedControl } from '../parts/forms/segmented-control.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { formatNumber, t } from '../shell/language.ts';
import { useFetch } from '../shell/use-fetch.ts';
import { type LetterFilter, showMatching } from './letter-filter.tsx';

type Group = DeadLetterGroups['groups'][number];

/** What the letters of a group have in common, by the choice of the user. */
const choices = {
  'cause and target': ['function', 'destination', 'reason'],
  'by function': ['function'],
  'by destination': ['destination'],
  'by reason': ['reason'],
} as const;
type Choice = keyof typeof choices;

const READ_EVERY_MS = 5_000;
const MAX_SHOWN = 20;

/** The dead letters in groups, the largest first. A group can be chosen as the filter. */
export function LetterGroups({ filter }: { filter: LetterFilter }) {
  const [choice, setChoice] = useState<Choice>('cause and target');
  const path = withQuery('/api/dead-letters/groups', { ...filter, by: choices[choice].join() });
  const { content } = useFetch(path, (signal) => get<DeadLetterGroups>(path, signal), { everyMs: READ_EVERY_MS });
  const groups = content?.groups ?? [];
  return (
    <section class="card groups" aria-label={t('Groups')}>
      <div class="card-head">
        <h2>{t('Groups')}</h2>
        <span class="hint">{content === undefined ? '' : countOf(content)}</span>
        <div class="spring" />
        <SegmentedControl label={t('Group')} value={choice} choices={Object.keys(choices) as Choice[]} onChange={setChoice} />
      </div>
      <Table
        label={t('Groups')}
        columns={columnsOf(choice)}
        rows={groups
          .slice(0, MAX_SHOWN)
          .map((group) => ({ key: JSON.stringify({ ...group, count: 0, newest: 0 }), cells: cellsOf(group, choice) }))}
      />
      {groups.length > MAX_SHOWN ? (
        <p class="hint">{t('{count} more groups', { count: formatNumber(groups.length - MAX_SHOWN) })}</p>
      ) : null}
    </section>
  );
}

function countOf({ counted, is_at_least }: DeadLetterGroups): string {
  const count = formatNumber(counted);
  return is_at_least ? t('the newest {count} dead letters', { count }) : t('{count} dead letters', { count });
}

function columnsOf(choice: Choice): readonly Column[] {
  const heads = { function: 'Function', destination: 'Destination', reason: 'Reason' } as const;
  return [{ head: 'Count', isNumber: true }, ...choices[choice].map((field) => ({ head: heads[field] })), { head: 'Show' }];
}

function cellsOf(group: Group, choice: Choice) {
  const cells = {
    function: group.function ?? '',
    destination: <Target key="destination" group={group} />,
    reason: (
      <span key="reason" class="reason">
        {messageText(group.reason ?? '')}
      </span>
    ),
  };
  return [
    formatNumber(group.count),
    ...choices[choice].map((field) => cells[field]),
    <button key="show" type="button" class="button small" onClick={() => showMatching(filterOf(group))}>
      {t('Show only these')}
    </button>,
  ];
}

function Target({ group: { destination = '', param = '' } }: { group: Group }) {
  const { title, note } = describeTarget(destination, param);
  return (
    <span title={param}>
      {title} <code>{note}</code>
    </span>
  );
}

function filterOf({ function: name, destination, param, reason }: Group): Partial<LetterFilter> {
  return {
    ...(name === undefined ? {} : { function: name }),
    ...(destination === undefined || param === undefined ? {} : { destination, target: param }),
    ...(reason === undefined ? {} : { reason: reason.slice(0, 512) }),
  };
}
