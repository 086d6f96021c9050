import type { ComponentChildren } from 'preact';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { InvocationView } from '#src/gateway/api/schemas/invocations.ts';
import { failureSummary } from '../parts/failure-summary.ts';
import { Icon } from '../parts/icon.tsx';
import { type Appearance, appearanceOf } from '../parts/state-badge.tsx';
import { Countdown } from '../parts/time.tsx';

type VerdictProps = { view: InvocationView; onRedeliver: (destination: string) => void };

/** The failures of an invocation and of its deliveries, with what can be done. Empty when nothing failed. */
export function Verdict({ view, onRedeliver }: VerdictProps) {
  const { failure, status, state, attempts, condition, deliveries, next_due_at } = view;
  const hasFailed = status === 'FAIL' || status === 'DISCARD';
  return (
    <>
      {hasFailed && failure !== undefined ? (
        <Line appearance={appearanceOf(status)}>
          <b>{condition === 'UnhandledInvocationError' ? failure.errorType : condition}</b> {failureSummary(failure.message)}{' '}
          <small>· {attemptsText(view)}</small>
        </Line>
      ) : null}
      {state === 'retrying' && failure !== undefined ? (
        <Line appearance={appearanceOf('retrying')}>
          Attempt {attempts} failed: <b>{failure.errorType}</b> {failureSummary(failure.message)}{' '}
          {next_due_at === undefined ? null : (
            <>
              Attempt {attempts + 1} is <Countdown to={next_due_at} />.
            </>
          )}
        </Line>
      ) : null}
      {deliveries
        .filter((delivery) => delivery.state === 'dead')
        .map(({ destination_id, reason }) => (
          <Line
            key={destination_id}
            appearance={appearanceOf('dead')}
            action={
              <button type="button" class="button small" onClick={() => onRedeliver(destination_id)}>
                Deliver again…
              </button>
            }
          >
            The delivery to <b>{destination_id}</b> is dead: {reason ?? 'unknown reason'}
          </Line>
        ))}
    </>
  );
}

function Line({
  appearance: { tone, icon },
  children,
  action,
}: {
  appearance: Appearance;
  children: ComponentChildren;
  action?: ComponentChildren;
}) {
  return (
    <div class={`verdict tone-${tone}`}>
      <Icon name={icon} />
      <p>{children}</p>
      {action}
    </div>
  );
}

function attemptsText({ attempts, duration_ms }: InvocationView): string {
  const attemptsSpent = attempts === 0 ? 'before any attempt' : attempts === 1 ? 'in its only attempt' : `after ${attempts} attempts`;
  return duration_ms === undefined ? attemptsSpent : `${attemptsSpent}, ${formatDuration(duration_ms)} after it was accepted`;
}
