import { useState } from 'preact/hooks';
import type { BulkView, DeadLetterView } from '#src/gateway/api/schemas/repair.ts';
import { get, post, withQuery } from '../api/http.ts';
import { describeTarget } from '../functions/destination-kinds.ts';
import { RedeliverDialog, useAction } from '../invocation/actions.tsx';
import { NoteDialog, SettleDialog } from '../invocation/settle.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Dialog, DialogFooter } from '../shell/dialog.tsx';
import { formatNumber, t } from '../shell/language.ts';
import { changeQuery, Link, paths, useLocation } from '../shell/router.tsx';
import { showToast } from '../shell/toasts.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import '../styles/system.css';

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
  const name = query.get('function') ?? '';
  const cursor = query.get('cursor') ?? '';
  const { content, problem, reload } = useFetch(
    `${name} ${cursor}`,
    (signal) => get<Page>(withQuery('/api/dead-letters', { function: name, cursor, limit: 200 }), signal),
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
        {name === '' ? null : (
          <button type="button" class="button small" onClick={() => changeQuery({ function: undefined, cursor: undefined })}>
            {t('of {name}', { name })} <Icon name="close" size={14} />
          </button>
        )}
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
      {content === undefined ? null : <Letters page={content} name={name} onDone={reloadTwice} />}
      {bulk === 'redeliver' ? <BulkRedeliver name={name} onClose={() => setBulk(undefined)} onDone={reloadTwice} /> : null}
      {bulk === 'dismiss' ? <BulkDismiss name={name} onClose={() => setBulk(undefined)} onDone={reloadTwice} /> : null}
    </div>
  );
}

type Chosen = { action: 'redeliver' | 'dismiss'; letter: DeadLetterView };

function ChosenDialog({ action, letter, ...props }: Chosen & { onClose: () => void; onDone: () => void }) {
  const shared = { name: { id: letter.request_id, function: letter.function }, destination: letter.destination_id, ...props };
  return action === 'redeliver' ? <RedeliverDialog {...shared} /> : <SettleDialog kind="dismiss" {...shared} />;
}

type LettersProps = { page: Page; name: string; onDone: () => void };

function Letters({ page: { dead_letters, next_cursor }, name, onDone }: LettersProps) {
  const [chosen, setChosen] = useState<Chosen>();
  return (
    <>
      {dead_letters.length === 0 ? (
        <Empty
          title={name === '' ? t('No dead letters') : t('No dead letters of {name}', { name })}
          icon="succeeded"
          command="npx sequent dest dead ls"
        >
          <p>{t('Every delivery succeeded, is still being tried, or was dismissed.')}</p>
        </Empty>
      ) : (
        <LettersCard letters={dead_letters} next={next_cursor} name={name} onChoose={setChosen} />
      )}
      {chosen === undefined ? null : <ChosenDialog {...chosen} onClose={() => setChosen(undefined)} onDone={onDone} />}
    </>
  );
}

type LettersCardProps = {
  letters: readonly DeadLetterView[];
  next: string | undefined;
  name: string;
  onChoose: (chosen: Chosen) => void;
};

function LettersCard({ letters, next, name, onChoose }: LettersCardProps) {
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
          <Link to={withQuery(paths.deadLetters, { function: name, cursor: next })} class="button small">
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
      {letter.reason ?? ''}
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

function BulkRedeliver({ name, onClose, onDone }: { name: string; onClose: () => void; onDone: () => void }) {
  const filter = name === '' ? {} : { function: name };
  const { content, problem } = useFetch('count', () => post<BulkView>('/api/dead-letters/redrive', { filter, dry_run: true }));
  const { run, done, isRunning, problem: refusal } = useAction<BulkView>();
  const start = (): void =>
    void run(async () => {
      const answer = await post<BulkView>('/api/dead-letters/redrive', { filter });
      onDone();
      return answer;
    });
  const failed = refusal ?? problem;
  return (
    <Dialog title={t('Deliver all again')} onClose={onClose}>
      <div class="dialog-body">
        {failed === undefined ? null : <ProblemNotice problem={failed} />}
        <p role="status">{done === undefined ? countText(content, name) : resultText(done)}</p>
      </div>
      <DialogFooter isDone={done !== undefined} onClose={onClose}>
        <button type="button" class="button primary" disabled={(content?.matched ?? 0) === 0 || isRunning} onClick={start}>
          {t('Deliver {count} again', { count: content === undefined ? '…' : formatNumber(content.matched) })}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

function BulkDismiss({ name, onClose, onDone }: { name: string; onClose: () => void; onDone: () => void }) {
  const filter = name === '' ? {} : { function: name };
  return (
    <NoteDialog
      title={t('Dismiss all')}
      send={async (note) => {
        const { done, failed, next_cursor } = await post<BulkView>('/api/dead-letters/dismiss', { filter, note });
        const unchanged = failed.length === 0 ? '' : t('; {count} were not changed', { count: failed.length });
        const more = next_cursor === undefined ? '' : t('; there are more');
        showToast(t('{count} are dismissed', { count: formatNumber(done.length) }) + unchanged + more);
        onDone();
      }}
      onClose={onClose}
    >
      {name === ''
        ? t('All dead letters are dismissed, at most 500 at a time. They can still be delivered again.')
        : t('All dead letters of {name} are dismissed, at most 500 at a time. They can still be delivered again.', { name })}
    </NoteDialog>
  );
}

function countText(found: BulkView | undefined, name: string): string {
  if (found === undefined) return t('Counting…');
  const matched = formatNumber(found.matched);
  const count = found.next_cursor === undefined ? matched : t('{count} and more', { count: matched });
  if (name === '') return t('{count} dead deliveries will be tried again.', { count });
  return t('{count} dead deliveries of {name} will be tried again.', { count, name });
}

function resultText({ done, failed, next_cursor }: BulkView): string {
  const again = t('{count} are tried again.', { count: formatNumber(done.length) });
  const unchanged =
    failed.length === 0 ? '' : t(' {count} were not changed: {reason}', { count: failed.length, reason: failed[0]?.detail ?? '' });
  return again + unchanged + (next_cursor === undefined ? '' : t(' There are more: repeat the action.'));
}
