import { formatDuration } from '#src/core/text/format-duration.ts';
import type { SystemView } from '#src/gateway/api/schemas/system.ts';

/** The projection that answered: how far behind the log it is. */
export function ReadModelCard({ projection }: { projection: SystemView['projection'] }) {
  if (projection === undefined) return null;
  const { instance, sequence, lag, lag_ms, problems } = projection;
  const facts: [string, string][] = [
    ['Instance', instance],
    ['State', stateOf(projection)],
    ['Read up to', `number ${sequence.toLocaleString('en')}`],
    [
      'Behind the log',
      lag === 0 ? 'nothing' : `${lag.toLocaleString('en')} ${lag === 1 ? 'message' : 'messages'}, ${formatDuration(lag_ms)}`,
    ],
    ...(problems === undefined ? [] : ([['Problems found in the log', problems.toLocaleString('en')]] satisfies [string, string][])),
  ];
  return (
    <section class="card" aria-label="Read model">
      <div class="card-head">
        <h2>Read model</h2>
        <span class="hint">lists, searches and statistics come from it</span>
      </div>
      <dl class="facts">
        {facts.map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function stateOf({ is_ready, rebuild }: NonNullable<SystemView['projection']>): string {
  if (rebuild !== undefined) {
    const left = rebuild.seconds_left === null ? '' : `, ${formatDuration(rebuild.seconds_left * 1_000)} left`;
    return `is built anew, ${rebuild.percent.toFixed(0)} %${left}: ${rebuild.why}`;
  }
  return is_ready ? 'holds all of the log' : 'catches up';
}
