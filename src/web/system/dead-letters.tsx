import { useState } from 'preact/hooks';
import type { BulkView, DeadLetterView } from '#src/gateway/api/schemas/repair.ts';
import { get, post, withQuery } from '../api/http.ts';
import { describeTarget } from '../functions/destination-kinds.ts';
import { RedeliverDialog, useAction } from '../invocation/actions.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Dialog, DialogFooter } from '../shell/dialog.tsx';
import { changeQuery, Link, paths, useLocation } from '../shell/router.tsx';
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

/** The dead deliveries, with buttons that try them again. */
export function DeadLettersPage() {
  const { query } = useLocation();
  const name = query.get('function') ?? '';
  const cursor = query.get('cursor') ?? '';
  const { content, problem, reload } = useFetch(
    `${name} ${cursor}`,
    (signal) => get<Page>(withQuery('/api/dead-letters', { function: name, cursor, limit: 200 }), signal),
    { everyMs: READ_EVERY_MS },
  );
  const [isBulk, setIsBulk] = useState(false);
  // The read model includes an action only a moment later.
  const reloadTwice = (): void => {
    reload();
    setTimeout(reload, 1_000);
  };
  return (
    <div class="page">
      <div class="page-head">
        <h1>Dead letters</h1>
        {name === '' ? null : (
          <button type="button" class="button small" onClick={() => changeQuery({ function: undefined, cursor: undefined })}>
            of {name} <Icon name="close" size={14} />
          </button>
        )}
        <div class="spring" />
        {content === undefined || content.dead_letters.length === 0 ? null : (
          <button type="button" class="button small" onClick={() => setIsBulk(true)}>
            <Icon name="redriven" size={14} /> Deliver all again…
          </button>
        )}
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {content === undefined && problem === undefined ? <Skeleton lines={8} height={24} /> : null}
      {content === undefined ? null : <Letters page={content} name={name} onDone={reloadTwice} />}
      {isBulk ? <BulkRedeliver name={name} onClose={() => setIsBulk(false)} onDone={reloadTwice} /> : null}
    </div>
  );
}

type LettersProps = { page: Page; name: string; onDone: () => void };

function Letters({ page: { dead_letters, next_cursor }, name, onDone }: LettersProps) {
  const [chosen, setChosen] = useState<DeadLetterView>();
  const dialog =
    chosen === undefined ? null : (
      <RedeliverDialog id={chosen.request_id} destination={chosen.destination_id} onClose={() => setChosen(undefined)} onDone={onDone} />
    );
  return (
    <>
      {dead_letters.length === 0 ? (
        <Empty title={name === '' ? 'No dead letters' : `No dead letters of ${name}`} icon="succeeded" command="npx sequent dest dead ls">
          <p>Every delivery succeeded or is still being tried.</p>
        </Empty>
      ) : (
        <LettersCard letters={dead_letters} next={next_cursor} name={name} onChoose={setChosen} />
      )}
      {dialog}
    </>
  );
}

type LettersCardProps = {
  letters: readonly DeadLetterView[];
  next: string | undefined;
  name: string;
  onChoose: (letter: DeadLetterView) => void;
};

function LettersCard({ letters, next, name, onChoose }: LettersCardProps) {
  return (
    <section class="card" aria-label="Dead letters">
      <Table
        label="Dead letters"
        columns={columns}
        rows={letters.map((letter) => ({
          key: `${letter.request_id} ${letter.destination_id}`,
          cells: cellsOf(letter, () => onChoose(letter)),
        }))}
      />
      {next === undefined ? null : (
        <p class="list-end">
          <Link to={withQuery(paths.deadLetters, { function: name, cursor: next })} class="button small">
            Older dead letters
          </Link>
        </p>
      )}
    </section>
  );
}

function cellsOf(letter: DeadLetterView, choose: () => void) {
  const { title, note } = describeTarget(letter.destination, letter.param);
  return [
    <Link key="function" to={paths.function(letter.function)}>
      {letter.function}
    </Link>,
    <Link key="invocation" to={paths.invocation(letter.request_id)} class="mono">
      {letter.request_id}
    </Link>,
    <span key="destination" title={`${letter.destination_id}: ${letter.param}`}>
      {title} <code>{note}</code>
    </span>,
    letter.tries,
    <span key="why" class="reason">
      {letter.reason ?? ''}
    </span>,
    <button key="again" type="button" class="button small" onClick={choose}>
      Deliver again…
    </button>,
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
    <Dialog title="Deliver all again" onClose={onClose}>
      <div class="dialog-body">
        {failed === undefined ? null : <ProblemNotice problem={failed} />}
        <p role="status">{done === undefined ? countText(content, name) : resultText(done)}</p>
      </div>
      <DialogFooter isDone={done !== undefined} onClose={onClose}>
        <button type="button" class="button primary" disabled={(content?.matched ?? 0) === 0 || isRunning} onClick={start}>
          Deliver {content?.matched.toLocaleString('en') ?? '…'} again
        </button>
      </DialogFooter>
    </Dialog>
  );
}

function countText(found: BulkView | undefined, name: string): string {
  if (found === undefined) return 'Counting…';
  const more = found.next_cursor === undefined ? '' : ' and more';
  return `${found.matched.toLocaleString('en')}${more} dead deliveries${name === '' ? '' : ` of ${name}`} will be tried again.`;
}

function resultText({ done, failed, next_cursor }: BulkView): string {
  const unchanged = failed.length === 0 ? '' : ` ${failed.length} were not changed: ${failed[0]?.detail ?? ''}`;
  return `${done.length.toLocaleString('en')} are tried again.${unchanged}${next_cursor === undefined ? '' : ' There are more: repeat the action.'}`;
}
