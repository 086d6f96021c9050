import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import type { InvocationName } from '../api/invocation-path.ts';
import { BackLink } from '../parts/back-link.tsx';
import { Icon } from '../parts/icon.tsx';
import { LiveStatus } from '../parts/live-status.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { type Property, PropertyList } from '../parts/property-list.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { InvocationBadge } from '../parts/state-badge.tsx';
import { useKeys } from '../shell/keys.ts';
import { t } from '../shell/language.ts';
import { changeQuery, Link, navigate, paths, useLocation } from '../shell/router.tsx';
import { CancelDialog, RedeliverDialog, RedriveDialog } from './actions.tsx';
import { CopyAs } from './copy-as.tsx';
import { type DeliveryAction, DeliveryTable } from './deliveries.tsx';
import { EventDetails } from './events/event-details.tsx';
import { EventList } from './events/event-list.tsx';
import { Replay } from './events/replay.tsx';
import { Timeline } from './events/timeline.tsx';
import { Explanation, useExplanation } from './explanation.tsx';
import { Lineage } from './lineage.tsx';
import { LiveOutput } from './live-output.tsx';
import { Outcome, Outputs, Request } from './payloads.tsx';
import { Properties } from './properties.tsx';
import { SettleDialog } from './settle.tsx';
import { type LoadedInvocation, useInvocation } from './use-invocation.ts';
import { Verdict } from './verdict.tsx';

type OpenDialog = { kind: 'redrive' | 'cancel' } | { kind: DeliveryAction; destination: string };

/** One invocation: what happened, why, and what it waits for. */
export function InvocationPage({ id, owner }: { id: string; owner: string | undefined }) {
  const [isPaused, setIsPaused] = useState(false);
  const [dialog, setDialog] = useState<OpenDialog>();
  const { loaded, problem, live, read } = useInvocation({ id, function: owner }, isPaused);
  const reload = (): void => void read();
  const onDelivery = (kind: DeliveryAction, destination: string): void => setDialog({ kind, destination });
  useKeys({
    r: () => setDialog({ kind: 'redrive' }),
    c: () => (loaded?.view.ended_at === undefined ? setDialog({ kind: 'cancel' }) : undefined),
    p: () => setIsPaused((paused) => !paused),
  });
  if (loaded === undefined) {
    if (problem?.status === 404) return <NoInvocation id={id} owner={owner} />;
    if (problem?.code === 'AMBIGUOUS_ID') return <ChooseFunction id={id} functions={problem.functions} />;
    return (
      <div class="page">
        {problem === undefined ? <Skeleton lines={14} height={24} /> : <ProblemNotice problem={problem} onRetry={reload} />}
      </div>
    );
  }
  const { view } = loaded;
  return (
    <div class="page">
      <PageHead view={view} onDialog={setDialog}>
        <LiveStatus live={live} isPaused={isPaused} {...(live === 'over' ? {} : { onToggle: () => setIsPaused(!isPaused) })} />
      </PageHead>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      <Properties view={view} />
      <EventViews loaded={loaded} isPaused={isPaused} onDelivery={onDelivery} />
      {dialog === undefined ? null : (
        <Dialogs
          dialog={dialog}
          name={{ id, function: view.function }}
          payload={view.request.large === undefined ? view.request.payload : undefined}
          onClose={() => setDialog(undefined)}
          onDone={reload}
        />
      )}
    </div>
  );
}

/** The functions that were invoked with the same id. */
function ChooseFunction({ id, functions }: { id: string; functions: readonly string[] }) {
  return (
    <Empty title={t('Several functions were invoked with this id')} icon="search" isPage>
      <p>
        <RichText text="Choose the function of the invocation {id}:" values={{ id: <code>{id}</code> }} />
      </p>
      <ul>
        {functions.map((name) => (
          <li key={name}>
            <Link to={paths.invocation(id, name)}>{name}</Link>
          </li>
        ))}
      </ul>
    </Empty>
  );
}

function NoInvocation({ id, owner }: { id: string; owner: string | undefined }) {
  return (
    <Empty
      title={t('There is no such invocation')}
      icon="search"
      isPage
      command={`sequent timeline ${/^[A-Za-z0-9_-]+$/.test(id) ? id : '<request-id>'}`}
    >
      <p>
        <RichText
          text={
            owner === undefined
              ? 'No invocation with the request id {id} was accepted, or it was removed since.'
              : 'No invocation of {function} with the request id {id} was accepted, or it was removed since.'
          }
          values={{ id: <code>{id}</code>, function: owner }}
        />{' '}
        <Link to={paths.invocations}>{t('All invocations')}</Link>
      </p>
    </Empty>
  );
}

type PageHeadProps = { view: InvocationView; onDialog: (dialog: OpenDialog) => void; children: ComponentChildren };

function PageHead({ view, onDialog, children }: PageHeadProps) {
  return (
    <div class="page-head invocation-head">
      <BackLink to={paths.invocations} name={t('All invocations')} />
      <h1>
        <Link to={paths.function(view.function)}>{view.function}</Link>
        {view.qualifier === 'latest' ? null : <small>:{view.qualifier}</small>}
        {view.version === undefined || view.version === view.qualifier ? null : <small> → {view.version}</small>}
      </h1>
      <InvocationBadge state={view.state} status={view.status} />
      {children}
      <div class="spring" />
      <button type="button" class="button small" onClick={() => onDialog({ kind: 'redrive' })}>
        <Icon name="redriven" size={14} /> {t('Redrive…')}
      </button>
      {view.ended_at === undefined ? (
        <button type="button" class="button small danger" onClick={() => onDialog({ kind: 'cancel' })}>
          <Icon name="failed" size={14} /> {t('Cancel…')}
        </button>
      ) : null}
      <CopyAs view={view} />
    </div>
  );
}

type DialogsProps = { dialog: OpenDialog; name: InvocationName; payload: string | undefined; onClose: () => void; onDone: () => void };

function Dialogs({ dialog, payload, ...props }: DialogsProps) {
  switch (dialog.kind) {
    case 'redrive':
      return <RedriveDialog payload={payload} {...props} />;
    case 'cancel':
      return <CancelDialog {...props} />;
    case 'redeliver':
      return <RedeliverDialog destination={dialog.destination} {...props} />;
    case 'give-up':
    case 'dismiss':
      return <SettleDialog kind={dialog.kind} destination={dialog.destination} {...props} />;
  }
}

type EventViewsProps = { loaded: LoadedInvocation; isPaused: boolean; onDelivery: (action: DeliveryAction, destination: string) => void };

/** Everything that is derived from the events. All views show the same event: the one in the page's address, or the latest. */
function EventViews({ loaded: { view, events }, isPaused, onDelivery }: EventViewsProps) {
  const { query } = useLocation();
  const explained = useExplanation(view);
  const wait = explained.content?.wait;
  const selectedName = query.get('event');
  const selectedIndex = selectedName === null ? -1 : events.findIndex(({ name }) => name === selectedName);
  const isLatest = selectedIndex < 0;
  const index = isLatest ? events.length - 1 : selectedIndex;
  const shown = events[index];
  const select = (position: number | undefined): void => {
    const event = position === undefined ? undefined : events[Math.max(0, Math.min(events.length - 1, position))];
    changeQuery({ event: event?.name });
  };
  const selectName = (name: string): void => changeQuery({ event: name });
  useKeys({
    j: () => select(isLatest ? 0 : index + 1),
    k: () => select(index - 1),
    ArrowRight: () => select(index + 1),
    ArrowLeft: () => select(index - 1),
    Escape: () => (isLatest ? navigate(paths.invocations) : select(undefined)),
  });
  return (
    <>
      <Verdict view={view} wait={wait} onRedeliver={(destination) => onDelivery('redeliver', destination)} />
      <Replay events={events} index={index} isLatest={isLatest} onIndex={select} />
      <Timeline events={events} shown={isLatest ? undefined : shown} waitsFor={wait?.in_words} onEvent={selectName} />
      <div class="columns">
        <div class="column">
          <EventList events={events} shown={shown} isLatest={isLatest} onEvent={selectName} />
          <Explanation explained={explained} onEvent={selectName} events={events} />
        </div>
        <div class="column">
          {isLatest || shown === undefined ? null : <EventDetails event={shown} />}
          <Outcome view={view} />
          <LiveOutput view={view} isPaused={isPaused} />
          <Request view={view} />
          <Outputs outputs={view.outputs} />
          <DeliveryTable deliveries={view.deliveries} notSent={view.not_sent} onDelivery={onDelivery} />
          <Lineage view={view} />
          <Terms view={view} />
        </div>
      </div>
    </>
  );
}

/** The policy that an invocation runs under. The start of its first attempt fixes it. */
function Terms({ view: { terms } }: { view: InvocationView }) {
  if (terms === undefined) return null;
  const { revision, timeoutInMs, maxRetries, maxAgeInMs, backoff, onSuccess = [], onFailure = [], synchronous } = terms;
  const properties: Property[] = [
    [t('revision of the function'), String(revision)],
    [t('timeout of an attempt'), formatDuration(timeoutInMs)],
    [t('retries'), synchronous ? t('0: a synchronous call') : String(maxRetries)],
    [t('maximum age at the start of an attempt'), formatDuration(maxAgeInMs)],
    [
      t('delay before a retry'),
      t('{first}, × {factor} up to {longest}, random reduction up to {percent} %', {
        first: formatDuration(backoff.initialInMs),
        factor: backoff.factor,
        longest: formatDuration(backoff.maxInMs),
        percent: Math.round(backoff.jitter * 100),
      }),
    ],
    [t('destinations on success'), onSuccess.map(({ id }) => id).join(', ') || t('none')],
    [t('destinations on failure'), onFailure.map(({ id }) => id).join(', ') || t('none')],
  ];
  return (
    <section class="card" aria-label={t('Terms')}>
      <div class="card-head">
        <h2>{t('Terms')}</h2>
        <span class="hint">{t('fixed with the first attempt')}</span>
      </div>
      <PropertyList properties={properties} />
    </section>
  );
}
