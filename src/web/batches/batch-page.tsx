import { useState } from 'preact/hooks';
import type { BatchView } from '#src/gateway/api/batches/batch-schemas.ts';
import type { EventView, InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { type ApiError, get, withQuery } from '../api/http.ts';
import { invocationPath } from '../api/invocation-path.ts';
import { BackLink } from '../parts/back-link.tsx';
import { CopyButton } from '../parts/copy.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { type Property, PropertyList } from '../parts/property-list.tsx';
import { ExactTime } from '../parts/time.tsx';
import { formatNumber, t } from '../shell/language.ts';
import { Link, paths } from '../shell/router.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { type BatchAction, BatchButtons, BatchDialog } from './actions.tsx';
import { BatchBadge } from './batch-badge.tsx';
import { Destinations } from './destinations.tsx';
import { membersPath, PartCounts, ProgressBar, progressText } from './progress.tsx';
import '../styles/pages/batches.css';

const READ_EVERY_MS = 2_000;

/** One batch: how its members stand, who is told of its end, and what can be done with it. */
export function BatchPage({ id, owner }: { id: string; owner: string | undefined }) {
  const path = withQuery(`/api/batches/${encodeURIComponent(id)}`, { function: owner });
  const { content, problem, reload } = useFetch(path, (signal) => get<BatchView>(path, signal), { everyMs: READ_EVERY_MS });
  if (content === undefined) return <NoContent id={id} problem={problem} onRetry={reload} />;
  return <Shown batch={content} problem={problem} reload={reload} />;
}

type ShownProps = { batch: BatchView; problem: ApiError | undefined; reload: () => void };

function Shown({ batch, problem, reload }: ShownProps) {
  const [action, setAction] = useState<BatchAction>();
  const { id, state } = batch;
  const opening = useOpening(batch);
  const reloadAll = (): void => {
    reload();
    opening.reload();
  };
  return (
    <div class="page">
      <div class="page-head">
        <BackLink to={paths.batches} name={t('All batches')} />
        <h1>{id}</h1>
        <CopyButton text={id} name={t('the id of the batch')} />
        <BatchBadge state={state} />
        <div class="spring" />
        <BatchButtons batch={batch} onAction={setAction} />
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      <div class="batch">
        <Progress batch={batch} />
        <section class="card" aria-label={t('Properties of the batch')}>
          <PropertyList properties={propertiesOf(batch, opening.redriveOf)} />
        </section>
        {opening.view === undefined ? null : <Destinations view={opening.view} opens={opening.opens} onDone={reloadAll} />}
      </div>
      {action === undefined ? null : <BatchDialog action={action} batch={batch} onClose={() => setAction(undefined)} onDone={reloadAll} />}
    </div>
  );
}

/** The batch as the log has it: its destinations, and their deliveries. */
function useOpening({ request_id, function: fn }: BatchView) {
  type Opening = InvocationView & { events: EventView[] };
  const path = request_id === undefined ? '' : invocationPath({ id: request_id, function: fn }, '', { include: 'events' });
  const { content, reload } = useFetch<Opening | undefined>(
    path,
    async (signal) => (path === '' ? undefined : await get<Opening>(path, signal)),
    { everyMs: READ_EVERY_MS },
  );
  const fact = content?.events.find(({ type }) => type === 'queued')?.fact;
  const opens = fact?.type === 'queued' ? fact.opens : undefined;
  return { view: content, opens, redriveOf: opens?.redriveOf, reload };
}

function Progress({ batch }: { batch: BatchView }) {
  const { id, function: fn } = batch;
  return (
    <section class="card" aria-label={t('Progress')}>
      <div class="card-head">
        <h2>{t('Progress')}</h2>
        <span class="hint" role="status">
          {progressText(batch)}
        </span>
        <div class="spring" />
        <Link to={membersPath(batch)} class="button small">
          {t('Its invocations')}
        </Link>
        <a
          class="button small"
          href={withQuery(`/api/batches/${encodeURIComponent(id)}/results`, { function: fn })}
          download={`${id}.jsonl`}
          title={t('A line of JSON for each member: its status and its response')}
        >
          <Icon name="download" size={14} /> {t('Results')}
        </a>
      </div>
      <ProgressBar batch={batch} />
      <PartCounts batch={batch} />
    </section>
  );
}

function propertiesOf(batch: BatchView, redriveOf: string | undefined): Property[] {
  const { function: fn, request_id, opened_at, completed_at, first_accepted_at, last_accepted_at, members } = batch;
  const linkOf = (text: string, to: string) => (
    <Link to={to} class="mono">
      {text}
    </Link>
  );
  const momentOf = (at: number | undefined) => (at === undefined ? undefined : <ExactTime at={at} />);
  const all: Property[] = [
    [t('Function'), linkOf(fn, paths.function(fn))],
    [t('Members'), formatNumber(members)],
    [t('Opened'), momentOf(opened_at)],
    [t('First member accepted'), momentOf(first_accepted_at)],
    [t('Last member accepted'), momentOf(last_accepted_at)],
    [t('Completed'), momentOf(completed_at)],
    [t('Redrive of'), redriveOf === undefined ? undefined : linkOf(redriveOf, paths.batch(redriveOf, fn))],
    [t('Timeline of the batch'), request_id === undefined ? undefined : linkOf(request_id, paths.invocation(request_id, fn))],
  ];
  return all.filter(([, value]) => value !== undefined);
}

function NoContent({ id, problem, onRetry }: { id: string; problem: ApiError | undefined; onRetry: () => void }) {
  if (problem?.status === 404)
    return (
      <Empty title={t('There is no such batch')} icon="search" command="sequent batch ls" isPage>
        <p>
          <Link to={paths.batches}>{t('All batches')}</Link>
        </p>
      </Empty>
    );
  if (problem?.code === 'AMBIGUOUS_ID')
    return (
      <Empty title={t('Several functions have a batch with this id')} icon="search" isPage>
        <ul>
          {problem.functions.map((name) => (
            <li key={name}>
              <Link to={paths.batch(id, name)}>{name}</Link>
            </li>
          ))}
        </ul>
      </Empty>
    );
  return (
    <div class="page">
      {problem === undefined ? <Skeleton lines={8} height={24} /> : <ProblemNotice problem={problem} onRetry={onRetry} />}
    </div>
  );
}
