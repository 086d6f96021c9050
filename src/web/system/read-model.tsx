import { formatDuration } from '#src/core/text/format-duration.ts';
import type { SystemView } from '#src/gateway/api/schemas/system.ts';
import { type Property, PropertyList } from '../parts/property-list.tsx';

/** The projection that answered, and how far behind the log it is. */
export function ReadModelCard({ projection }: { projection: SystemView['projection'] }) {
  if (projection === undefined) return null;
  const { instance, sequence, lag, lag_ms, problems } = projection;
  const properties: Property[] = [
    ['Instance', instance],
    ['State', stateOf(projection)],
    ['Checkpoint', `sequence ${sequence.toLocaleString('en')}`],
    [
      'Behind the log',
      lag === 0 ? 'nothing' : `${lag.toLocaleString('en')} ${lag === 1 ? 'message' : 'messages'}, ${formatDuration(lag_ms)}`,
    ],
    ...(problems === undefined ? [] : [['Problems found in the log', problems.toLocaleString('en')] as const]),
  ];
  return (
    <section class="card" aria-label="Read model">
      <div class="card-head">
        <h2>Read model</h2>
        <span class="hint">answers lists, searches and statistics</span>
      </div>
      <PropertyList properties={properties} />
    </section>
  );
}

function stateOf({ is_ready, rebuild }: NonNullable<SystemView['projection']>): string {
  if (rebuild !== undefined) {
    const left = rebuild.seconds_left === null ? '' : `, ${formatDuration(rebuild.seconds_left * 1_000)} left`;
    return `is being rebuilt, ${rebuild.percent.toFixed(0)} %${left}: ${rebuild.why}`;
  }
  return is_ready ? 'includes the whole log' : 'catches up with the log';
}
