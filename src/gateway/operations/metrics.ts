import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Fact } from '#machines/facts.ts';
import type { FullLogEntry } from '#src/core/event-log.ts';
import type { GatewayEnv } from '../ports.ts';

const BUCKETS_IN_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface Metrics {
  /** Counts what the log tells. */
  fold(entry: FullLogEntry): void;
  observeRequest(labels: { method: string; route: string; status: number }, seconds: number): void;
  /** The text format of Prometheus. */
  render(): string;
}

type Histogram = { counts: number[]; sum: number; count: number };

export function createMetrics(): Metrics {
  const open = new Set<string>();
  const accepted = new Map<string, number>();
  const attempts = new Map<string, number>();
  const outcomes = new Map<string, number>();
  const deliveries = new Map<string, number>();
  const requests = new Map<string, number>();
  const durations = new Map<string, Histogram>();

  function foldFact(functionName: string, fact: Fact): void {
    switch (fact.type) {
      case 'running':
        return count(attempts, labels({ function: functionName }));
      case 'succeeded':
        return count(outcomes, labels({ function: functionName, condition: '' }));
      case 'failed':
        return count(outcomes, labels({ function: functionName, condition: fact.condition }));
      case 'delivery.delivered':
      case 'delivery.dead':
        return count(deliveries, labels({ function: functionName, outcome: fact.type.slice('delivery.'.length) }));
      case 'notified':
        return void open.delete(fact.invocation);
      default:
        return;
    }
  }

  return {
    fold(entry) {
      if (entry.kind === 'append') for (const fact of entry.append.facts) foldFact(entry.name.function, fact);
      if (entry.kind !== 'request') return;
      for (const { fact } of entry.message.requests) {
        count(accepted, labels({ function: entry.message.name.function }));
        open.add(fact.invocation);
      }
    },
    observeRequest({ method, route, status }, seconds) {
      // Labels are written when somebody asks, not for every request.
      count(requests, `${method} ${route} ${status}`);
      const key = `${method} ${route}`;
      let histogram = durations.get(key);
      if (histogram === undefined) {
        histogram = { counts: BUCKETS_IN_S.map(() => 0), sum: 0, count: 0 };
        durations.set(key, histogram);
      }
      histogram.sum += seconds;
      histogram.count++;
      for (const [place, limit] of BUCKETS_IN_S.entries())
        if (seconds <= limit) histogram.counts[place] = (histogram.counts[place] ?? 0) + 1;
    },
    render() {
      const lines = [
        ...family('sequent_invocations_accepted_total', 'counter', 'Requests that the log accepted', accepted),
        ...family('sequent_attempts_total', 'counter', 'Executions that were started', attempts),
        ...family('sequent_outcomes_total', 'counter', 'Outcomes by condition; an empty condition is a success', outcomes),
        ...family('sequent_deliveries_total', 'counter', 'Deliveries to destinations that were settled', deliveries),
        ...family('sequent_invocations_open', 'gauge', 'Invocations that are not notified yet', new Map([['', open.size]])),
        ...family('sequent_http_requests_total', 'counter', 'Answered HTTP requests', relabeled(requests)),
        ...histogramLines(relabeled(durations)),
      ];
      return `${lines.join('\n')}\n`;
    },
  };
}

/** Measures every request under the pattern of its route: a path has names in it, which are without number. */
export function measureRequests(metrics: Metrics): MiddlewareHandler<GatewayEnv> {
  return async (call, next) => {
    const startedAt = performance.now();
    await next();
    const { method } = call.req;
    metrics.observeRequest({ method, route: routePath(call), status: call.res.status }, (performance.now() - startedAt) / 1_000);
  };
}

function count(values: Map<string, number>, key: string): void {
  values.set(key, (values.get(key) ?? 0) + 1);
}

function family(name: string, type: string, help: string, values: ReadonlyMap<string, number>): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...[...values].map(([key, value]) => `${name}${braced(key)} ${value}`)];
}

function histogramLines(values: ReadonlyMap<string, Histogram>): string[] {
  const name = 'sequent_http_request_duration_seconds';
  const lines = [`# HELP ${name} How long HTTP requests took`, `# TYPE ${name} histogram`];
  for (const [key, { counts, sum, count: total }] of values) {
    for (const [place, limit] of BUCKETS_IN_S.entries()) lines.push(`${name}_bucket{${key},le="${limit}"} ${counts[place]}`);
    lines.push(`${name}_bucket{${key},le="+Inf"} ${total}`, `${name}_sum{${key}} ${sum}`, `${name}_count{${key}} ${total}`);
  }
  return lines;
}

/** From `method route status`, or without the status. */
function relabeled<Value>(values: ReadonlyMap<string, Value>): Map<string, Value> {
  return new Map(
    [...values].map(([key, value]) => {
      const [method = '', route = '', status] = key.split(' ');
      return [labels({ method, route, ...(status === undefined ? {} : { status }) }), value];
    }),
  );
}

function braced(key: string): string {
  return key === '' ? '' : `{${key}}`;
}

function labels(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`)
    .join(',');
}
