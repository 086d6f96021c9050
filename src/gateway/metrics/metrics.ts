import { Counter, Histogram, Registry } from 'prom-client';
import type { Clock } from '#src/core/ports/clock.ts';
import { createLagMetrics, type LagSource } from './lag-metrics.ts';
import type { LogCount } from './log-count.ts';
import { createProblemMetrics, type KnownProblems } from './problem-metrics.ts';
import { addQuotaMetrics, type QuotaSource } from './quota-metrics.ts';

/**
 * The metrics of this gateway. HTTP requests are those of this gateway. All other metrics are counted from the log, from its end at the
 * start of this gateway. Every gateway counts the whole log, so the rates of two gateways are equal and must not be added.
 */
export interface Metrics {
  observeRequest(labels: { method: string; route: string; status: number }, seconds: number): void;
  /** The text format of Prometheus. */
  render(): Promise<string>;
}

export type MetricsOptions = KnownProblems & {
  clock: Pick<Clock, 'now'>;
  lag: LagSource;
  logCount: LogCount;
  quotas?: QuotaSource | undefined;
};

export function createMetrics({ clock, lag, logCount, quotas, ...problems }: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  let folded = 0;
  createLagMetrics(registry, { clock, lag, folded: () => folded });
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
    async render() {
      // Without NATS the log cannot be counted; the gateway's own metrics are still reported.
      const counted = await logCount.read().catch(() => undefined);
      folded = counted?.sequence ?? folded;
      return `${counted?.text ?? ''}${await registry.metrics()}`;
    },
  };
}

/** The series of one method and route; the counters by status. */
type Series = { duration: { observe(seconds: number): void }; counts: Map<number, { inc(): void }> };
