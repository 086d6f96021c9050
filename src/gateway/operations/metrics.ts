import { Counter, Histogram, Registry } from 'prom-client';
import type { Clock } from '#src/core/ports/clock.ts';
import { createLagMetrics, type LagSource } from './lag-metrics.ts';
import type { LogCount } from './log-count.ts';

/**
 * What this gateway counts. Requests over HTTP are its own. All else is counted from the log, from where it stood when this gateway
 * started: every gateway counts the same, so rates are equal whichever is asked, and must not be added up.
 */
export interface Metrics {
  observeRequest(labels: { method: string; route: string; status: number }, seconds: number): void;
  /** The text format of Prometheus. */
  render(): Promise<string>;
}

export type MetricsOptions = { clock: Pick<Clock, 'now'>; lag: LagSource; logCount: LogCount };

export function createMetrics({ clock, lag, logCount }: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  let folded = 0;
  createLagMetrics(registry, { clock, lag, folded: () => folded });
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
  // Finding the series of some labels costs more than counting in it.
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
      // Without NATS the log tells nothing; what this gateway counts itself is told all the same.
      const counted = await logCount.read().catch(() => undefined);
      folded = counted?.sequence ?? folded;
      return `${counted?.text ?? ''}${await registry.metrics()}`;
    },
  };
}

/** What is counted of a method and a route; the requests by their status. */
type Series = { duration: { observe(seconds: number): void }; counts: Map<number, { inc(): void }> };
