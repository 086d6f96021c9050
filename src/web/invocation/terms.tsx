import { formatDuration } from '#src/core/text/format-duration.ts';
import type { InvocationView } from '#src/gateway/api/schemas/invocations.ts';
import { type Property, PropertyList } from '../parts/property-list.tsx';

/** The policy that an invocation runs under. The start of its first attempt fixes it. */
export function Terms({ view: { terms } }: { view: InvocationView }) {
  if (terms === undefined) return null;
  const { revision, timeoutInMs, maxRetries, maxAgeInMs, backoff, onSuccess = [], onFailure = [] } = terms;
  const properties: Property[] = [
    ['revision of the function', String(revision)],
    ['timeout of an attempt', formatDuration(timeoutInMs)],
    ['retries', String(maxRetries)],
    ['maximum age at the start of an attempt', formatDuration(maxAgeInMs)],
    [
      'delay before a retry',
      `${formatDuration(backoff.initialInMs)}, × ${backoff.factor} up to ${formatDuration(backoff.maxInMs)}, random reduction up to ${Math.round(backoff.jitter * 100)} %`,
    ],
    ['destinations on success', onSuccess.map(({ id }) => id).join(', ') || 'none'],
    ['destinations on failure', onFailure.map(({ id }) => id).join(', ') || 'none'],
  ];
  return (
    <section class="card" aria-label="Terms">
      <div class="card-head">
        <h2>Terms</h2>
        <span class="hint">fixed with the first attempt</span>
      </div>
      <PropertyList properties={properties} />
    </section>
  );
}
