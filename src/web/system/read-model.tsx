import { formatDuration } from '#src/core/text/format-duration.ts';
import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { type Property, PropertyList } from '../parts/property-list.tsx';
import { formatNumber, t, tn } from '../shell/language.ts';

/** The projection that answered, and how far behind the log it is. */
export function ReadModelCard({ projection }: { projection: SystemView['projection'] }) {
  if (projection === undefined) return null;
  const { instance, sequence, lag, lag_ms, problems } = projection;
  const properties: Property[] = [
    [t('Instance'), instance],
    [t('State'), stateOf(projection)],
    [t('Checkpoint'), t('sequence {sequence}', { sequence: formatNumber(sequence) })],
    [
      t('Behind the log'),
      lag === 0
        ? t('no message')
        : t('{messages}, {duration}', { messages: tn(lag, ['{count} message', '{count} messages']), duration: formatDuration(lag_ms) }),
    ],
    ...(problems === undefined ? [] : [[t('Problems found in the log'), formatNumber(problems)] as const]),
  ];
  return (
    <section class="card" aria-label={t('Read model')}>
      <div class="card-head">
        <h2>{t('Read model')}</h2>
        <span class="hint">{t('answers lists, searches and statistics')}</span>
      </div>
      <PropertyList properties={properties} />
    </section>
  );
}

function stateOf({ is_ready, rebuild }: NonNullable<SystemView['projection']>): string {
  if (rebuild !== undefined) {
    const values = { percent: rebuild.percent.toFixed(0), why: rebuild.why };
    if (rebuild.seconds_left === null) return t('is being rebuilt, {percent} %: {why}', values);
    return t('is being rebuilt, {percent} %, {left} left: {why}', { ...values, left: formatDuration(rebuild.seconds_left * 1_000) });
  }
  return is_ready ? t('includes the whole log') : t('catches up with the log');
}
