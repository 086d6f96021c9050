import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Fact } from '#machines/facts.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { OpenInvocations } from './open-invocations.ts';

/**
 * Bounds the number of series, each of which costs memory here and in Prometheus: function names are unbounded. All further functions
 * share one series.
 */
const MAX_FUNCTIONS = 500;
const OTHERS = 'other';
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];

/** The metrics that are folded from the log: counts of requests, attempts, outcomes and deliveries, and durations. */
export interface LogMetrics {
  fold(entry: FullLogEntry): void;
  /** The sequence of the last folded entry. */
  readonly sequence: number;
}

export function createLogMetrics(registry: Registry, clock: Pick<Clock, 'now'>): LogMetrics {
  const folded = { series: createSeries(registry), open: new OpenInvocations() };
  const functions = new Set<string>();
  let sequence = 0;
  addOpenGauges(registry, folded.open, clock);

  function labelOf(name: string): string {
    if (functions.has(name)) return name;
    if (functions.size >= MAX_FUNCTIONS) return OTHERS;
    functions.add(name);
    return name;
  }

  return {
    get sequence() {
      return sequence;
    },
    fold(entry) {
      sequence = entry.sequence;
      if (entry.kind === 'append') {
        const name = labelOf(entry.name.function);
        for (const fact of entry.append.facts) foldFact(folded, name, fact);
      } else if (entry.kind === 'request') {
        const name = labelOf(entry.message.name.function);
        for (const { fact } of entry.message.requests) {
          folded.series.accepted.labels(name).inc();
          folded.open.accept(name, fact);
        }
      }
    },
  };
}

type Series = ReturnType<typeof createSeries>;
type Folded = { series: Series; open: OpenInvocations };

function createSeries(registry: Registry) {
  const registers = [registry];
  const counter = <Name extends string>(name: string, help: string, labelNames: Name[]) =>
    new Counter({ name: `sequent_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string) =>
    new Histogram({ name: `sequent_${name}`, help, labelNames: ['function'], buckets: SECONDS, registers });
  return {
    accepted: counter('invocations_accepted_total', 'Requests that the log accepted', ['function']),
    attempts: counter('attempts_total', 'Executions that were started', ['function']),
    retries: counter('retries_total', 'Executions that failed and are retried', ['function', 'kind']),
    outcomes: counter('outcomes_total', 'Outcomes by condition; an empty condition is a success', ['function', 'condition']),
    deliveries: counter('deliveries_total', 'Deliveries to destinations that were settled', ['function', 'outcome']),
    failedTries: counter('delivery_failures_total', 'Tries of deliveries that failed and are retried', ['function']),
    postponed: counter('delivery_postponements_total', 'Deliveries that were postponed without a try', ['function']),
    queueTime: histogram('queue_seconds', 'From acceptance, or from the due time of a delayed request, to the first attempt'),
    executionTime: histogram('execution_seconds', 'Duration of executions, by the clock of their workers'),
    endToEnd: histogram('end_to_end_seconds', 'From acceptance, or from the due time of a delayed request, to the outcome'),
  };
}

function addOpenGauges(registry: Registry, open: OpenInvocations, clock: Pick<Clock, 'now'>): void {
  const registers = [registry];
  new Gauge({
    name: 'sequent_invocations_open',
    help: 'Invocations that are not notified yet',
    registers,
    collect() {
      this.set(open.size);
    },
  });
  new Gauge({
    name: 'sequent_queue_age_seconds',
    help: 'For how long the oldest request for which no attempt started yet is due',
    labelNames: ['function'],
    registers,
    collect() {
      this.reset();
      for (const [name, oldest] of open.oldestQueued(clock.now()))
        this.set({ function: name }, oldest === undefined ? 0 : secondsBetween(oldest, clock.now()));
    },
  });
  new Gauge({
    name: 'sequent_requests_delayed',
    help: 'Delayed requests that are not due yet',
    labelNames: ['function'],
    registers,
    collect() {
      this.reset();
      for (const [name, count] of open.delayed(clock.now())) this.set({ function: name }, count);
    },
  });
}

function foldFact(folded: Folded, name: string, fact: Fact): void {
  const { series, open } = folded;
  switch (fact.type) {
    case 'running':
      return foldRunning(folded, name, fact);
    case 'retrying':
      series.retries.labels(name, fact.failure.kind).inc();
      return observeExecution(folded, name, fact);
    case 'succeeded':
    case 'failed':
      return foldOutcome(folded, name, fact);
    case 'delivery.failed':
      return series.failedTries.labels(name).inc();
    case 'delivery.postponed':
      return series.postponed.labels(name).inc();
    case 'delivery.delivered':
    case 'delivery.dead':
      return series.deliveries.labels(name, fact.type.slice('delivery.'.length)).inc();
    case 'notified':
      return open.remove(fact.invocation);
    default:
      return;
  }
}

function foldRunning({ series, open }: Folded, name: string, { invocation, attempt, at }: Extract<Fact, { type: 'running' }>): void {
  series.attempts.labels(name).inc();
  const found = open.dequeue(invocation);
  if (found === undefined) return;
  found.attemptAt = at;
  if (attempt === 1) series.queueTime.labels(name).observe(secondsBetween(found.firstDueAt, at));
}

function foldOutcome(folded: Folded, name: string, fact: Extract<Fact, { type: 'succeeded' | 'failed' }>): void {
  const { series, open } = folded;
  series.outcomes.labels(name, fact.type === 'failed' ? fact.condition : '').inc();
  observeExecution(folded, name, fact);
  const found = open.dequeue(fact.invocation);
  if (found !== undefined) series.endToEnd.labels(name).observe(secondsBetween(found.firstDueAt, fact.at));
}

function observeExecution({ series, open }: Folded, name: string, { invocation, at }: Fact): void {
  const found = open.find(invocation);
  if (found?.attemptAt === undefined) return;
  series.executionTime.labels(name).observe(secondsBetween(found.attemptAt, at));
  found.attemptAt = undefined;
}

/** The clocks of two machines may differ, so the difference can be negative; a duration is at least 0. */
function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / 1_000;
}
