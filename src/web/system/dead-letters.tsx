import { useState } from 'preact/hooks';
import type { DeadLetterView } from '#src/gateway/api/repair/repair-schemas.ts';
import { get, withQuery } from '../api/http.ts';
import { describeTarget } from '../functions/definition/destination-kinds.ts';
import { RedeliverDialog } from '../invocation/actions.tsx';
import { SettleDialog } from '../invocation/settle.tsx';
import { messageText } from '../parts/failure-summary.ts';
import { Icon } from '../parts/icon.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { t } from '../shell/language.ts';
import { Link, paths, useLocation } from '../shell/router.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { BulkDismiss, BulkRedeliver } from './dead-letters-in-bulk.tsx';
import { FilterChips, filterIn, isFiltered, type LetterFilter } from './letter-filter.tsx';
import { LetterGroups } from './letter-groups.tsx';
import '../styles/pages/system.css';

const columns: readonly Column[] = [
  { head: 'Function' },
  { head: 'Invocation' },
  { head: 'Destination' },
  { head: 'Tries', isNumber: true },
  { head: 'Reason' },
  { head: 'Repair' },
];

const READ_EVERY_MS = 5_000;

type Page = { dead_letters: DeadLetterView[]; next_cursor?: string };

/** The dead deliveries, with buttons that try them again or dismiss them. */
export function DeadLettersPage() {
  const { query } = useLocation();
  const filter = filterIn(query);
  const cursor = query.get('cursor') ?? '';
  const { content, problem, reload } = useFetch(
    `${JSON.stringify(filter)} ${cursor}`,
    (signal) => get<Page>(withQuery('/api/dead-letters', { ...filter, cursor, limit: 200 }), signal),
    { everyMs: READ_EVERY_MS },
  );
  const [bulk, setBulk] = useState<'redeliver' | 'dismiss'>();
  // The read model includes an action only a moment later.
  const reloadTwice = (): void => {
    reload();
    setTimeout(reload, 1_000);
  };
  return (
    <div class="page">
      <div class="page-head">
        <h1>{t('Dead letters')}</h1>
        <FilterChips filter={filter} />
        <div class="spring" />
        {content === undefined || content.dead_letters.length === 0 ? null : (
          <>
            <button type="button" class="button small" onClick={() => setBulk('redeliver')}>
              <Icon name="redriven" size={14} /> {t('Deliver all again…')}
            </button>
            <button type="button" class="button small" onClick={() => setBulk('dismiss')}>
              <Icon name="close" size={14} /> {t('Dismiss all…')}
            </button>
          </>
        )}
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {content === undefined && problem === undefined ? <Skeleton lines={8} height={24} /> : null}
      {content === undefined || content.dead_letters.length < 2 ? null : <LetterGroups filter={filter} />}
      {content === undefined ? null : <Letters page={content} filter={filter} onDone={reloadTwice} />}
      {bulk === 'redeliver' ? <BulkRedeliver filter={filter} onClose={() => setBulk(undefined)} onDone={reloadTwice} /> : null}
      {bulk === 'dismiss' ? <BulkDismiss filter={filter} onClose={() => setBulk(undefined)} onDone={reloadTwice} /> : null}
    </div>
  );
}

type Chosen = { action: 'redeliver' | 'dismiss'; letter: DeadLetterView };

function ChosenDialog({ action, letter, ...props }: Chosen & { onClose: () => void; onDone: () => void }) {
  const shared = { name: { id: letter.request_id, function: letter.function }, destination: letter.destination_id, ...props };
  return action === 'redeliver' ? <RedeliverDialog {...shared} /> : <SettleDialog kind="dismiss" {...shared} />;
}

type LettersProps = { page: Page; filter: LetterFilter; onDone: () => void };

function Letters({ page: { dead_letters, next_cursor }, filter, onDone }: LettersProps) {
  const [chosen, setChosen] = useState<Chosen>();
  return (
    <>
      {dead_letters.length === 0 ? (
        <Empty
          title={isFiltered(filter) ? t('No dead letter matches') : t('No dead letters')}
          icon="succeeded"
          command="sequent dest dead ls"
        >
          <p>{t('Every delivery succeeded, is still being tried, or was dismissed.')}</p>
        </Empty>
      ) : (
        <LettersCard letters={dead_letters} next={next_cursor} filter={filter} onChoose={setChosen} />
      )}
      {chosen === undefined ? null : <ChosenDialog {...chosen} onClose={() => setChosen(undefined)} onDone={onDone} />}
    </>
  );
}

type LettersCardProps = {
  letters: readonly DeadLetterView[];
  next: string | undefined;
  filter: LetterFilter;
  onChoose: (chosen: Chosen) => void;
};

function LettersCard({ letters, next, filter, onChoose }: LettersCardProps) {
  return (
    <section class="card" aria-label={t('Dead letters')}>
      <Table
        label={t('Dead letters')}
        columns={columns}
        rows={letters.map((letter) => ({
          key: `${letter.function} ${letter.request_id} ${letter.destination_id}`,
          cells: cellsOf(letter, (action) => onChoose({ action, letter })),
        }))}
      />
      {next === undefined ? null : (
        <p class="list-end">
          <Link to={withQuery(paths.deadLetters, { ...filter, cursor: next })} class="button small">
            {t('Older dead letters')}
          </Link>
        </p>
      )}
    </section>
  );
}

function cellsOf(letter: DeadLetterView, choose: (action: Chosen['action']) => void) {
  const { title, note } = describeTarget(letter.destination, letter.param);
  return [
    <Link key="function" to={paths.function(letter.function)}>
      {letter.function}
    </Link>,
    <Link key="invocation" to={paths.invocation(letter.request_id, letter.function)} class="mono">
      {letter.request_id}
    </Link>,
    <span key="destination" title={`${letter.destination_id}: ${letter.param}`}>
      {title} <code>{note}</code>
    </span>,
    letter.tries,
    <span key="why" class="reason">
      {messageText(letter.reason ?? '')}
    </span>,
    <span key="repair" class="row-actions">
      <button type="button" class="button small" onClick={() => choose('redeliver')}>
        {t('Deliver again…')}
      </button>{' '}
      <button type="button" class="button small" onClick={() => choose('dismiss')}>
        {t('Dismiss…')}
      </button>
    </span>,
  ];
}
