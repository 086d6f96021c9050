import { Counter, Histogram, Registry } from 'prom-client';
import type { Clock } from '#src/core/ports/clock.ts';
import type { LogCounts } from '../operations/log-counts.ts';
import type { QuotaFigure } from '../quotas/quota-figures.ts';
import { addGauges } from './gauges.ts';
import { createLagMetrics, type LagSource } from './lag-metrics.ts';
import { createLogMetrics } from './log-metrics.ts';
import { createProblemMetrics, type KnownProblems } from './problem-metrics.ts';

/**
 * The metrics of this gateway. HTTP requests are those of this gateway. The counts of the log come from a projection, which counts the whole
 * log, so every gateway reports the same ones: do not add them up.
 */
export interface Metrics {
  observeRequest(labels: { method: string; route: string; status: number }, seconds: number): void;
  /** The text format of Prometheus. `isOfAll`: its reader sees the metrics of all projects. */
  render(isOfAll: boolean): Promise<string>;
  /** When a reader of all projects last read them; `undefined` before. */
  readonly readAt: number | undefined;
}

export type MetricsOptions = KnownProblems & {
  clock: Pick<Clock, 'now'>;
  lag: LagSource;
  counts: LogCounts;
  quotas?: QuotaSource | undefined;
};

export function createMetrics({ clock, lag, counts, quotas, ...problems }: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counted = createLogMetrics({ clock, counts });
  createLagMetrics(registry, { clock, lag, folded: () => counted.sequence });
  createProblemMetrics(registry, problems);
  if (quotas !== undefined) addQuotaMetrics(registry, quotas);
  const requests = new Counter({
    name: 'sequent_http_requests_total',
    help: 'HTTP requests that this gateway answered',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'sequent_http_request_duration_seconds',
    help: 'How long the HTTP requests of this gateway took',
    labelNames: ['method', 'route'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  // The series are cached, because prom-client's look-up by labels costs more than the increment.
  const known = new Map<string, Series>();
  let readAt: number | undefined;

  return {
    observeRequest({ method, route, status }, seconds) {
      const key = `${method} ${route}`;
      let series = known.get(key);
      if (series === undefined) {
        series = { duration: durations.labels(method, route), counts: new Map() };
        known.set(key, series);
      }
      let count = series.counts.get(status);
      if (count === undefined) {
        count = requests.labels(method, route, String(status));
        series.counts.set(status, count);
      }
      series.duration.observe(seconds);
      count.inc();
    },
    get readAt() {
      return readAt;
    },
    async render(isOfAll) {
      if (isOfAll) readAt = clock.now();
      // The lag of the counts is measured after they are read.
      const text = await counted.render();
      return `${text}${await registry.metrics()}`;
    },
  };
}

/** The series of one method and route; the counters by status. */
type Series = { duration: { observe(seconds: number): void }; counts: Map<number, { inc(): void }> };

/** The quotas of the projects, as this gateway knows them. */
type QuotaSource = () => readonly { project: string; figures: readonly QuotaFigure[] }[];

/** Bounds the series. The projects beyond this number share one. */
const MAX_PROJECTS = 200;

/** The gauges of the quotas, by project and quota. A refusal is counted by the gateway that refused. */
function addQuotaMetrics(registry: Registry, read: QuotaSource): void {
  const labels = ['project', 'quota'];
  const measure =
    (value: (figure: QuotaFigure) => number | undefined) =>
    (projects: ReturnType<QuotaSource>): { labels: Record<string, string>; value: number }[] =>
      projects.flatMap(({ project, figures }, index) =>
        figures.flatMap((figure) => {
          const found = value(figure);
          return found === undefined
            ? []
            : [{ labels: { project: index < MAX_PROJECTS ? project : 'other', quota: figure.quota }, value: found }];
        }),
      );
  addGauges(registry, async () => read(), [
    {
      name: 'quota_limit',
      help: 'The quotas of projects: open invocations, and requests per second',
      labels,
      measure: measure(({ limit }) => limit),
    },
    { name: 'quota_used', help: 'What projects use of a quota: their open invocations', labels, measure: measure(({ used }) => used) },
    {
      name: 'quota_refused',
      help: 'Requests that this gateway refused since its start because their project had reached the quota',
      labels,
      measure: measure(({ refused }) => refused),
    },
  ]);
}
