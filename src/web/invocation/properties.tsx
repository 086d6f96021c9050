import { formatDuration } from '#src/core/text/format-duration.ts';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { CopyButton } from '../parts/copy.tsx';
import { ExactTime, RelativeTime } from '../parts/time.tsx';
import { t, tn } from '../shell/language.ts';
import { Link, paths } from '../shell/router.tsx';

/** The main properties of an invocation, in one line. */
export function Properties({ view }: { view: InvocationView }) {
  return (
    <dl class="properties-line">
      <div>
        <dt>{t('Request id')}</dt>
        <dd class="mono">
          {view.request_id} <CopyButton text={view.request_id} name={t('the request id')} />
        </dd>
      </div>
      <div>
        <dt>{t('Accepted')}</dt>
        <dd>
          <RelativeTime at={view.accepted_at} />{' '}
          <small class="wide-only">
            <ExactTime at={view.accepted_at} />
          </small>
        </dd>
      </div>
      {view.first_due_at === undefined ? null : (
        <div>
          <dt>{t('Due')}</dt>
          <dd>
            <RelativeTime at={view.first_due_at} />{' '}
            <small class="wide-only">
              <ExactTime at={view.first_due_at} />
            </small>
          </dd>
        </div>
      )}
      <div>
        <dt>{t('Attempts')}</dt>
        <dd>
          {view.attempts}
          {view.lost > 0 ? <small> {t('({count} lost)', { count: view.lost })}</small> : null}
        </dd>
      </div>
      <div>
        <dt>{t('Duration')}</dt>
        <dd>{view.duration_ms === undefined ? '–' : formatDuration(view.duration_ms)}</dd>
      </div>
      {view.condition === undefined ? null : (
        <div>
          <dt>{t('Condition')}</dt>
          <dd class="mono">{view.condition}</dd>
        </div>
      )}
      <FlowProperties view={view} />
      {view.batch === undefined ? null : (
        <div>
          <dt>{t('Batch')}</dt>
          <dd>
            <Link to={paths.batch(view.batch, view.function)}>{view.batch}</Link>
          </dd>
        </div>
      )}
      {view.schedule === undefined ? null : (
        <div>
          <dt>{t('Schedule')}</dt>
          <dd>
            <Link to={`/?${new URLSearchParams({ schedule: view.schedule })}`}>{view.schedule}</Link>
          </dd>
        </div>
      )}
      {view.redrive_of === undefined ? null : (
        <div>
          <dt>{t('Redrive of')}</dt>
          <dd class="mono">
            <Link to={paths.invocation(view.redrive_of, view.function)}>{view.redrive_of}</Link>
          </dd>
        </div>
      )}
      {view.redriven_as.length === 0 ? null : (
        <div>
          <dt>{t('Redriven as')}</dt>
          <dd class="mono">
            {view.redriven_as.map((redrive) => (
              <Link key={redrive} to={paths.invocation(redrive, view.function)}>
                {redrive}
              </Link>
            ))}
          </dd>
        </div>
      )}
    </dl>
  );
}

/** The part of an invocation in the flow of its function. */
function FlowProperties({ view }: { view: InvocationView }) {
  return (
    <>
      {view.waits_for === undefined ? null : (
        <div>
          <dt>{t('Waits for')}</dt>
          <dd>
            <Link to={`/?${new URLSearchParams({ waits_for: view.waits_for.pool, flow_key: view.waits_for.key })}`}>
              {view.waits_for.key === '' ? view.waits_for.pool : t('{pool}, with the key {key}', view.waits_for)}
            </Link>
          </dd>
        </div>
      )}
      {view.leader === undefined ? null : (
        <div>
          <dt>{t('Leader of its debounce')}</dt>
          <dd class="mono">
            <Link to={paths.invocation(view.leader, view.function)}>{view.leader}</Link>
          </dd>
        </div>
      )}
      {view.members === undefined || view.members === 0 ? null : (
        <div>
          <dt>{t('Runs for')}</dt>
          <dd>{tn(view.members, ['1 other request', '{count} other requests'])}</dd>
        </div>
      )}
      {view.priority === undefined ? null : (
        <div>
          <dt>{t('Priority')}</dt>
          <dd>{view.priority}</dd>
        </div>
      )}
    </>
  );
}
