import { useState } from 'preact/hooks';
import { formatDuration } from '#src/core/format-duration.ts';
import type { FunctionStats } from '#src/gateway/api/schemas/functions.ts';
import { get, withQuery } from '../api/http.ts';
import { Choice } from '../invocation/timeline.tsx';
import { ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { useAsked } from '../shell/asked.ts';
import { now } from '../shell/settings.ts';
import { useStore } from '../shell/store.ts';
import { Chart } from './chart.tsx';

const spans = { '15 min': 900_000, '1 h': 3_600_000, '24 h': 86_400_000, '7 d': 604_800_000 } as const;
type Span = keyof typeof spans;
const BUCKETS = 60;
const READ_EVERY_MS = 15_000;

/** How it does: what came, what failed, how long it waited and took. */
export function StatsCard({ name }: { name: string }) {
  const [span, setSpan] = useState<Span>('1 h');
  // Read again every few seconds, all charts at once.
  const turn = Math.floor(useStore(now) / READ_EVERY_MS);
  const [last, setLast] = useState<FunctionStats>();
  const { problem, again } = useAsked(`${name} ${span} ${turn}`, async (signal) => {
    const to = Date.now();
    const found = await get<FunctionStats>(
      withQuery(`/api/functions/${encodeURIComponent(name)}/stats`, { from: to - spans[span], to, buckets: BUCKETS }),
      signal,
    );
    setLast(found);
    return found;
  });
  return (
    <section class="card stats" aria-label="Statistics">
      <div class="card-head">
        <h2>Statistics</h2>
        <div class="spring" />
        <Choice label="Time" value={span} choices={Object.keys(spans) as Span[]} onChoice={setSpan} />
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} again={again} />}
      {last === undefined ? problem === undefined ? <Skeleton lines={5} height={28} /> : null : <Figures stats={last} />}
    </section>
  );
}

function Figures({ stats: { total, buckets, from, to, bucket_ms } }: { stats: FunctionStats }) {
  const failures = sum(Object.values(total.by_condition));
  const share = total.accepted === 0 ? '–' : `${((failures / total.accepted) * 100).toFixed(failures === 0 ? 0 : 1)} %`;
  const byBucket = seriesOf(buckets, { from, to, width: bucket_ms });
  const figures: [string, string][] = [
    ['Accepted', total.accepted.toLocaleString('en')],
    ['Failed', `${failures.toLocaleString('en')} (${share})`],
    ['Duration p50', inWords(total.duration_ms?.p50)],
    ['p90', inWords(total.duration_ms?.p90)],
    ['p99', inWords(total.duration_ms?.p99)],
    ['Longest', inWords(total.duration_ms?.max)],
    ['Queue p50', inWords(total.queue_ms?.p50)],
    ['Queue p99', inWords(total.queue_ms?.p99)],
  ];
  return (
    <>
      <dl class="figures">
        {figures.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {failures === 0 ? null : (
        <p class="conditions">
          {Object.entries(total.by_condition)
            .filter(([, count]) => count > 0)
            .map(([condition, count]) => (
              <span key={condition} class="tag">
                {condition} <b>{count.toLocaleString('en')}</b>
              </span>
            ))}
        </p>
      )}
      <div class="charts">
        <Chart
          title="Invocations"
          times={byBucket.times}
          kind="bars"
          series={[
            { label: 'accepted', values: byBucket.accepted, colour: '--running' },
            { label: 'failed', values: byBucket.failed, colour: '--failed' },
          ]}
          format={(value) => value.toLocaleString('en')}
        />
        <Chart
          title="Duration, from acceptance to outcome"
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
          title="Time in the queue"
          times={byBucket.times}
          kind="lines"
          series={[
            { label: 'p50', values: byBucket.queue50, colour: '--queued' },
            { label: 'p99', values: byBucket.queue99, colour: '--retrying' },
          ]}
          format={formatDuration}
        />
      </div>
    </>
  );
}

function inWords(ms: number | undefined): string {
  return ms === undefined ? '–' : formatDuration(ms);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

type Value = number | null;

/** A point for every bucket, also those in which nothing came. */
function seriesOf(buckets: FunctionStats['buckets'], { from, to, width }: { from: number; to: number; width: number }) {
  const known = new Map(buckets.map((bucket) => [bucket.from, bucket]));
  const first = buckets[0]?.from ?? from;
  const start = first - Math.ceil((first - from) / width) * width;
  const times: number[] = [];
  for (let at = start; at <= to && times.length <= 600; at += width) times.push(at);
  const read = (what: (bucket: FunctionStats['buckets'][number]) => Value | undefined, none: Value): Value[] =>
    times.map((at) => {
      const bucket = known.get(at);
      return bucket === undefined ? none : (what(bucket) ?? none);
    });
  return {
    times: times.map((at) => at / 1_000),
    accepted: read(({ accepted }) => accepted, 0),
    failed: read(({ by_condition }) => sum(Object.values(by_condition)), 0),
    p50: read(({ duration_ms }) => duration_ms?.p50, null),
    p90: read(({ duration_ms }) => duration_ms?.p90, null),
    p99: read(({ duration_ms }) => duration_ms?.p99, null),
    queue50: read(({ queue_ms }) => queue_ms?.p50, null),
    queue99: read(({ queue_ms }) => queue_ms?.p99, null),
  };
}
