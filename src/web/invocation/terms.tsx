import { formatDuration } from '#src/core/text/format-duration.ts';
import type { InvocationView } from '#src/gateway/api/schemas/invocations.ts';

/** What it runs under, fixed when its first attempt started. */
export function Terms({ view: { terms } }: { view: InvocationView }) {
  if (terms === undefined) return null;
  const { revision, timeoutInMs, maxRetries, maxAgeInMs, backoff, onSuccess = [], onFailure = [] } = terms;
  const rows: [string, string][] = [
    ['revision of the function', String(revision)],
    ['timeout of an attempt', formatDuration(timeoutInMs)],
    ['retries', String(maxRetries)],
    ['oldest age at which an attempt may start', formatDuration(maxAgeInMs)],
    [
      'delay before a retry',
      `${formatDuration(backoff.initialInMs)}, × ${backoff.factor} up to ${formatDuration(backoff.maxInMs)}, up to ${Math.round(backoff.jitter * 100)} % less by chance`,
    ],
    ['told about a success', onSuccess.map(({ id }) => id).join(', ') || 'nobody'],
    ['told about a failure', onFailure.map(({ id }) => id).join(', ') || 'nobody'],
  ];
  return (
    <section class="card" aria-label="Terms">
      <div class="card-head">
        <h2>Terms</h2>
        <span class="hint">fixed with the first attempt</span>
      </div>
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
