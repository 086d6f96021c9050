import type { ComponentChildren } from 'preact';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { InvocationView } from '#src/gateway/api/schemas/invocations.ts';
import { failureWords } from '../parts/failure-words.ts';
import { Icon } from '../parts/icon.tsx';
import { Countdown } from '../parts/moment.tsx';
import { type Look, lookOf } from '../parts/state.tsx';

type VerdictProps = { view: InvocationView; onRedeliver: (destination: string) => void };

/** What is wrong and what can be done about it, before all details; nothing where all is well. */
export function Verdict({ view, onRedeliver }: VerdictProps) {
  const { failure, status, state, attempts, condition, deliveries, next_due_at } = view;
  const hasFailed = status === 'FAIL' || status === 'DISCARD';
  return (
    <>
      {hasFailed && failure !== undefined ? (
        <Line look={lookOf(status)}>
          <b>{condition === 'UnhandledInvocationError' ? failure.errorType : condition}</b> {failureWords(failure.message)}{' '}
          <small>· {afterWhat(view)}</small>
        </Line>
      ) : null}
      {state === 'retrying' && failure !== undefined ? (
        <Line look={lookOf('retrying')}>
          Attempt {attempts} failed: <b>{failure.errorType}</b> {failureWords(failure.message)}{' '}
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
            look={lookOf('dead')}
            action={
              <button type="button" class="button small" onClick={() => onRedeliver(destination_id)}>
                Deliver again…
              </button>
            }
          >
            <b>{destination_id}</b> was never told: {reason ?? 'nobody knows why'}
          </Line>
        ))}
    </>
  );
}

function Line({ look: { tone, icon }, children, action }: { look: Look; children: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class={`verdict tone-${tone}`}>
      <Icon name={icon} />
      <p>{children}</p>
      {action}
    </div>
  );
}

function afterWhat({ attempts, duration_ms }: InvocationView): string {
  const tries = attempts === 0 ? 'before any attempt' : attempts === 1 ? 'in its only attempt' : `after ${attempts} attempts`;
  return duration_ms === undefined ? tries : `${tries}, ${formatDuration(duration_ms)} after it was accepted`;
}
