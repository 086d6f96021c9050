import type { ComponentChildren } from 'preact';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import type { WaitView } from '#src/gateway/api/system/system-schemas.ts';
import { failureSummary, messageText } from '../parts/failure-summary.ts';
import { Icon } from '../parts/icon.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { type Appearance, appearanceOf } from '../parts/state-badge.tsx';
import { Countdown } from '../parts/time.tsx';
import { t } from '../shell/language.ts';

type VerdictProps = { view: InvocationView; wait: WaitView | undefined; onRedeliver: (destination: string) => void };

/** The failures of an invocation and of its deliveries, and why it waits, with what can be done. Empty when nothing is to be done. */
export function Verdict({ view, wait, onRedeliver }: VerdictProps) {
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
          {t('Attempt {attempt} failed:', { attempt: attempts })} <b>{failure.errorType}</b> {failureSummary(failure.message)}{' '}
          {next_due_at === undefined ? null : (
            <small>
              · <RichText text="Attempt {attempt} is {due}." values={{ attempt: attempts + 1, due: <Countdown to={next_due_at} /> }} />
            </small>
          )}
        </Line>
      ) : null}
      {wait?.remedy === undefined ? null : (
        <Line appearance={{ ...appearanceOf('retrying'), icon: 'alert' }}>
          {wait.in_words} <small>{t('To do: {remedy}', { remedy: wait.remedy })}</small>
        </Line>
      )}
      {deliveries
        .filter((delivery) => delivery.state === 'dead')
        .map(({ destination_id, reason }) => (
          <Line
            key={destination_id}
            appearance={appearanceOf('dead')}
            action={
              <button type="button" class="button small" onClick={() => onRedeliver(destination_id)}>
                {t('Deliver again…')}
              </button>
            }
          >
            <RichText
              text="The delivery to {destination} is dead: {reason}"
              values={{ destination: <b>{destination_id}</b>, reason: reason === undefined ? t('unknown reason') : messageText(reason) }}
            />
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
  const spent =
    attempts === 0 ? t('before any attempt') : attempts === 1 ? t('in its only attempt') : t('after {count} attempts', { count: attempts });
  if (duration_ms === undefined) return spent;
  return t('{attempts}, {duration} after it was accepted', { attempts: spent, duration: formatDuration(duration_ms) });
}
