import { useState } from 'preact/hooks';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { InvocationView } from '#src/gateway/api/schemas/invocations.ts';
import { CopyButton } from '../parts/copy.tsx';
import { Icon } from '../parts/icon.tsx';
import { LiveSign } from '../parts/live-sign.tsx';
import { ExactMoment, Moment } from '../parts/moment.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { InvocationBadge } from '../parts/state.tsx';
import { useKeys } from '../shell/keys.ts';
import { changeQuery, Link, navigate, paths, usePlace } from '../shell/router.tsx';
import { CancelDialog, RedeliverDialog, RedriveDialog } from './actions.tsx';
import { CopyAs } from './copy-as.tsx';
import { DeliveryTable } from './deliveries.tsx';
import { EventDetails } from './event-details.tsx';
import { EventList } from './event-list.tsx';
import { Lineage } from './lineage.tsx';
import { Outcome, Outputs, Request } from './payloads.tsx';
import { Replay } from './replay.tsx';
import { Story } from './story.tsx';
import { Terms } from './terms.tsx';
import { Timeline } from './timeline.tsx';
import { type Told, useInvocation } from './use-invocation.ts';
import { Verdict } from './verdict.tsx';

type Open = { kind: 'redrive' | 'cancel' } | { kind: 'redeliver'; destination: string };

/** What happened to one invocation, why, and what it waits for. */
export function InvocationPage({ id }: { id: string }) {
  const [isPaused, setIsPaused] = useState(false);
  const [dialog, setDialog] = useState<Open>();
  const { told, problem, live, read } = useInvocation(id, isPaused);
  const close = (): void => setDialog(undefined);
  const done = (): void => void read();
  useKeys({
    r: () => setDialog({ kind: 'redrive' }),
    c: () => (told?.view.ended_at === undefined ? setDialog({ kind: 'cancel' }) : undefined),
    p: () => setIsPaused((paused) => !paused),
  });
  if (told === undefined) {
    if (problem?.status === 404)
      return (
        <Empty
          title="There is no such invocation"
          icon="search"
          command={`npx sequent timeline ${/^[A-Za-z0-9_-]+$/.test(id) ? id : '<request-id>'}`}
        >
          <p>
            Nothing was accepted under the request id <code>{id}</code>, or it is not kept any more.{' '}
            <Link to={paths.invocations}>All invocations</Link>
          </p>
        </Empty>
      );
    return (
      <div class="page">
        {problem === undefined ? <Skeleton lines={14} height={24} /> : <ProblemNotice problem={problem} again={done} />}
      </div>
    );
  }
  const { view } = told;
  return (
    <div class="page">
      <div class="page-head invocation-head">
        <Link to={paths.invocations} class="button quiet small" aria-label="All invocations">
          <Icon name="back" />
        </Link>
        <h1>
          <Link to={paths.function(view.function)}>{view.function}</Link>
          {view.qualifier === 'latest' ? null : <small>:{view.qualifier}</small>}
        </h1>
        <InvocationBadge state={view.state} status={view.status} />
        <LiveSign live={live} isPaused={isPaused} {...(live === 'over' ? {} : { onToggle: () => setIsPaused(!isPaused) })} />
        <div class="spring" />
        <button type="button" class="button small" onClick={() => setDialog({ kind: 'redrive' })}>
          <Icon name="redriven" size={14} /> Redrive…
        </button>
        {view.ended_at === undefined ? (
          <button type="button" class="button small danger" onClick={() => setDialog({ kind: 'cancel' })}>
            <Icon name="failed" size={14} /> Cancel…
          </button>
        ) : null}
        <CopyAs view={view} />
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} again={done} />}
      <Facts view={view} />
      <Verdict view={view} onRedeliver={(destination) => setDialog({ kind: 'redeliver', destination })} />
      <Parts told={told} onRedeliver={(destination) => setDialog({ kind: 'redeliver', destination })} />
      {dialog?.kind === 'redrive' ? <RedriveDialog id={id} payload={view.request.payload} onClose={close} onDone={done} /> : null}
      {dialog?.kind === 'cancel' ? <CancelDialog id={id} onClose={close} onDone={done} /> : null}
      {dialog?.kind === 'redeliver' ? <RedeliverDialog id={id} destination={dialog.destination} onClose={close} onDone={done} /> : null}
    </div>
  );
}

/** What is told by events, all showing the same moment: the one of the address, or the present. */
function Parts({ told: { view, events }, onRedeliver }: { told: Told; onRedeliver: (destination: string) => void }) {
  const { query } = usePlace();
  const wanted = query.get('event');
  const found = wanted === null ? -1 : events.findIndex(({ name }) => name === wanted);
  const isPresent = found < 0;
  const index = isPresent ? events.length - 1 : found;
  const shown = events[index];
  const show = (place: number | undefined): void => {
    const event = place === undefined ? undefined : events[Math.max(0, Math.min(events.length - 1, place))];
    changeQuery({ event: event?.name });
  };
  const showNamed = (name: string): void => changeQuery({ event: name });
  useKeys({
    j: () => show(isPresent ? 0 : index + 1),
    k: () => show(index - 1),
    ArrowRight: () => show(index + 1),
    ArrowLeft: () => show(index - 1),
    Escape: () => (isPresent ? navigate(paths.invocations) : show(undefined)),
  });
  return (
    <>
      <Replay events={events} index={index} isPresent={isPresent} onIndex={show} />
      <Timeline events={events} shown={isPresent ? undefined : shown} onEvent={showNamed} />
      <div class="columns">
        <div class="column">
          <EventList events={events} shown={shown} isPresent={isPresent} onEvent={showNamed} />
          <Story id={view.request_id} version={view.last_sequence} onEvent={showNamed} events={events} />
        </div>
        <div class="column">
          {isPresent || shown === undefined ? null : <EventDetails event={shown} />}
          <Outcome view={view} />
          <Request view={view} />
          <Outputs outputs={view.outputs} />
          <DeliveryTable deliveries={view.deliveries} onRedeliver={onRedeliver} />
          <Lineage view={view} />
          <Terms view={view} />
        </div>
      </div>
    </>
  );
}

function Facts({ view }: { view: InvocationView }) {
  return (
    <dl class="facts-line">
      <div>
        <dt>Request id</dt>
        <dd class="mono">
          {view.request_id} <CopyButton text={view.request_id} what="the request id" />
        </dd>
      </div>
      <div>
        <dt>Accepted</dt>
        <dd>
          <Moment at={view.accepted_at} />{' '}
          <small class="wide-only">
            <ExactMoment at={view.accepted_at} />
          </small>
        </dd>
      </div>
      <div>
        <dt>Attempts</dt>
        <dd>
          {view.attempts}
          {view.lost > 0 ? <small> ({view.lost} lost with their worker)</small> : null}
        </dd>
      </div>
      <div>
        <dt>Duration</dt>
        <dd>{view.duration_ms === undefined ? '–' : formatDuration(view.duration_ms)}</dd>
      </div>
      {view.condition === undefined ? null : (
        <div>
          <dt>Condition</dt>
          <dd class="mono">{view.condition}</dd>
        </div>
      )}
      {view.redrive_of === undefined ? null : (
        <div>
          <dt>Redrive of</dt>
          <dd class="mono">
            <Link to={paths.invocation(view.redrive_of)}>{view.redrive_of}</Link>
          </dd>
        </div>
      )}
      {view.redriven_as.length === 0 ? null : (
        <div>
          <dt>Redriven as</dt>
          <dd class="mono">
            {view.redriven_as.map((redrive) => (
              <Link key={redrive} to={paths.invocation(redrive)}>
                {redrive}
              </Link>
            ))}
          </dd>
        </div>
      )}
    </dl>
  );
}
