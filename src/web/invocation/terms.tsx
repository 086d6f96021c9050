import { formatDuration } from '#src/core/text/format-duration.ts';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { type Property, PropertyList } from '../parts/property-list.tsx';
import { t } from '../shell/language.ts';

/** The policy that an invocation runs under. The start of its first attempt fixes it. */
export function Terms({ view: { terms } }: { view: InvocationView }) {
  if (terms === undefined) return null;
  const { revision, timeoutInMs, maxRetries, maxAgeInMs, backoff, onSuccess = [], onFailure = [], synchronous } = terms;
  const properties: Property[] = [
    [t('revision of the function'), String(revision)],
    [t('timeout of an attempt'), formatDuration(timeoutInMs)],
    [t('retries'), synchronous ? t('0: a synchronous call') : String(maxRetries)],
    [t('maximum age at the start of an attempt'), formatDuration(maxAgeInMs)],
    [
      t('delay before a retry'),
      t('{first}, × {factor} up to {longest}, random reduction up to {percent} %', {
        first: formatDuration(backoff.initialInMs),
        factor: backoff.factor,
        longest: formatDuration(backoff.maxInMs),
        percent: Math.round(backoff.jitter * 100),
      }),
    ],
    [t('destinations on success'), onSuccess.map(({ id }) => id).join(', ') || t('none')],
    [t('destinations on failure'), onFailure.map(({ id }) => id).join(', ') || t('none')],
  ];
  return (
    <section class="card" aria-label={t('Terms')}>
      <div class="card-head">
        <h2>{t('Terms')}</h2>
        <span class="hint">{t('fixed with the first attempt')}</span>
      </div>
      <PropertyList properties={properties} />
    </section>
  );
}
