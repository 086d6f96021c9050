import { useMemo, useState } from 'preact/hooks';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { FunctionStats } from '#src/gateway/api/functions/function-schemas.ts';
import { get, withQuery } from '../../api/http.ts';
import { SegmentedControl } from '../../parts/forms/segmented-control.tsx';
import { Icon } from '../../parts/icon.tsx';
import { ProblemNotice } from '../../parts/notices.tsx';
import { type Property, PropertyList } from '../../parts/property-list.tsx';
import { formatNumber, t } from '../../shell/language.ts';
import { Link } from '../../shell/router.tsx';
import { useFetch } from '../../shell/use-fetch.ts';
import { durationText, failuresOf, openOf, percent } from '../list.tsx';
import { Chart } from './chart.tsx';

const timeRanges = { '15 min': 900_000, '1 h': 3_600_000, '24 h': 86_400_000, '7 d': 604_800_000 } as const;
type TimeRange = keyof typeof timeRanges;
const BUCKETS = 60;
const READ_EVERY_MS = 15_000;

/** The statistics of a function: invocations, failures, queue age and duration. */
export function StatsCard({ name }: { name: string }) {
  const [range, setRange] = useState<TimeRange>('1 h');
  // The last statistics stay visible while those of another range are loaded.
  const [stats, setStats] = useState<FunctionStats>();
  const load = async (signal: AbortSignal): Promise<void> => {
    const to = Date.now();
    const query = { from: to - timeRanges[range], to, buckets: BUCKETS };
    setStats(await get<FunctionStats>(withQuery(`/api/functions/${encodeURIComponent(name)}/stats`, query), signal));
  };
  const { problem, reload } = useFetch(`${name} ${range}`, load, { everyMs: READ_EVERY_MS });
  return (
    <section class="card stats" aria-label={t('Statistics')}>
      <div class="card-head">
        <h2>{t('Statistics')}</h2>
        <div class="spring" />
        <SegmentedControl label={t('Time')} value={range} choices={Object.keys(timeRanges) as TimeRange[]} onChange={setRange} />
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {stats === undefined && problem !== undefined ? null : <Figures stats={stats} />}
    </section>
  );
}

/** The figures and charts. Until the statistics are loaded, their places are empty, so that nothing on the page moves when they come. */
function Figures({ stats }: { stats: FunctionStats | undefined }) {
  const show = (textOf: (total: FunctionStats['total']) => string): string => (stats === undefined ? '…' : textOf(stats.total));
  const minutes = stats === undefined ? 1 : (stats.to - stats.from) / 60_000;
  const figures: Property[] = [
    [t('Accepted'), show(({ accepted }) => formatNumber(accepted))],
    [t('Per minute'), show(({ accepted }) => rate(accepted / minutes))],
    [t('Open'), show((total) => formatNumber(openOf(total) ?? 0))],
    [t('Failed'), show(failedText)],
    [t('Queue p50'), show(({ queue_ms }) => durationText(queue_ms?.p50))],
    [t('Queue p99'), show(({ queue_ms }) => durationText(queue_ms?.p99))],
    [t('Duration p50'), show(({ duration_ms }) => durationText(duration_ms?.p50))],
    [t('Duration p90'), show(({ duration_ms }) => durationText(duration_ms?.p90))],
    [t('Duration p99'), show(({ duration_ms }) => durationText(duration_ms?.p99))],
    [t('Longest'), show(({ duration_ms }) => durationText(duration_ms?.max))],
  ];
  return (
    <>
      <PropertyList kind="figures" properties={figures} />
      {stats === undefined ? null : <Conditions name={stats.function} counts={stats.total.by_condition} />}
      <Charts stats={stats} />
    </>
  );
}

function failedText(total: FunctionStats['total']): string {
  const failures = failuresOf(total);
  return failures === 0 ? '0' : `${formatNumber(failures)} (${percent(failures, total.accepted)})`;
}

function Conditions({ name, counts }: { name: string; counts: FunctionStats['total']['by_condition'] }) {
  const failed = Object.entries(counts).filter(([, count]) => count > 0);
  if (failed.length === 0) return null;
  return (
    <p class="conditions">
      {failed.map(([condition, count]) => (
        <Link key={condition} to={`/?${new URLSearchParams({ function: name, condition })}`} class="badge tone-failed">
          <Icon name="failed" size={14} />
          {condition} <span class="badge-note">{formatNumber(count)}</span>
        </Link>
      ))}
    </p>
  );
}

/** No time at all, so that the charts have no times and say nothing. */
const NOT_LOADED: Pick<FunctionStats, 'buckets' | 'from' | 'to' | 'bucket_ms'> = { buckets: [], from: 0, to: -1, bucket_ms: 60_000 };

function Charts({ stats = NOT_LOADED }: { stats: typeof NOT_LOADED | undefined }) {
  const { buckets, from, to, bucket_ms } = stats;
  const byBucket = useMemo(() => seriesOf(buckets, { from, to, width: bucket_ms }), [buckets, from, to, bucket_ms]);
  return (
    <div class="charts">
      <Chart
        title={t('Accepted and failed, per {duration}', { duration: formatDuration(bucket_ms) })}
        times={byBucket.times}
        kind="bars"
        series={[
          { label: t('accepted'), values: byBucket.accepted, colour: '--running' },
          { label: t('failed'), values: byBucket.failed, colour: '--failed' },
        ]}
        format={formatNumber}
      />
      <Chart
        title={t('Duration, acceptance to outcome')}
        times={byBucket.times}
        kind="lines"
        series={[
          { label: 'p50', values: byBucket.p50, colour: '--succeeded' },
          { label: 'p90', values: byBucket.p90, colour: '--running' },
          { label: 'p99', values: byBucket.p99, colour: '--retrying' },
        ]}
        format={formatDuration}
      />
      <Chart
        title={t('Queue age, acceptance to first attempt')}
        times={byBucket.times}
        kind="lines"
        series={[
          { label: 'p50', values: byBucket.queue50, colour: '--queued' },
          { label: 'p99', values: byBucket.queue99, colour: '--retrying' },
        ]}
        format={formatDuration}
      />
    </div>
  );
}

/** A rate per minute. Rates below 10 have two significant digits. */
function rate(perMinute: number): string {
  return perMinute === 0 ? '0' : perMinute < 10 ? String(Number(perMinute.toPrecision(2))) : formatNumber(Math.round(perMinute));
}

/** The series of the charts, with a value for every bucket. The API leaves out empty buckets. */
function seriesOf(buckets: FunctionStats['buckets'], { from, to, width }: { from: number; to: number; width: number }) {
  const byStart = new Map(buckets.map((bucket) => [bucket.from, bucket]));
  const first = buckets[0]?.from ?? from;
  const start = first - Math.ceil((first - from) / width) * width;
  const times: number[] = [];
  for (let at = start; at <= to && times.length <= 600; at += width) times.push(at);
  const read = (select: (bucket: FunctionStats['buckets'][number]) => number | null | undefined, empty: number | null): (number | null)[] =>
    times.map((at) => {
      const bucket = byStart.get(at);
      return bucket === undefined ? empty : (select(bucket) ?? empty);
    });
  return {
    times: times.map((at) => at / 1_000),
    accepted: read(({ accepted }) => accepted, 0),
    failed: read(failuresOf, 0),
    p50: read(({ duration_ms }) => duration_ms?.p50, null),
    p90: read(({ duration_ms }) => duration_ms?.p90, null),
    p99: read(({ duration_ms }) => duration_ms?.p99, null),
    queue50: read(({ queue_ms }) => queue_ms?.p50, null),
    queue99: read(({ queue_ms }) => queue_ms?.p99, null),
  };
}
