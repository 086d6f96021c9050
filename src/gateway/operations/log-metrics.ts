import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Fact } from '#machines/facts.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';

/** Names are without number, and every series costs memory here and in whoever scrapes: of further functions the sum is told. */
const MOST_FUNCTIONS = 500;
const OTHERS = 'other';
/** Of how many open invocations the times are kept; of further ones only how many there are. */
const MOST_OPEN = 200_000;
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];

type Open = { function: string; acceptedAt: number; attemptAt: number | undefined };

/** What the log tells: how much was accepted, run, ended and delivered, and how long it took. */
export function createLogMetrics(
  registry: Registry,
  clock: Pick<Clock, 'now'>,
): { fold(entry: FullLogEntry): void; readonly sequence: number } {
  const registers = [registry];
  const counter = <Name extends string>(name: string, help: string, labelNames: Name[]) =>
    new Counter({ name: `sequent_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string) =>
    new Histogram({ name: `sequent_${name}`, help, labelNames: ['function'], buckets: SECONDS, registers });
  const accepted = counter('invocations_accepted_total', 'Requests that the log accepted', ['function']);
  const attempts = counter('attempts_total', 'Executions that were started', ['function']);
  const retries = counter('retries_total', 'Executions that failed and are made again', ['function', 'kind']);
  const outcomes = counter('outcomes_total', 'Outcomes by condition; an empty condition is a success', ['function', 'condition']);
  const deliveries = counter('deliveries_total', 'Deliveries to destinations that were settled', ['function', 'outcome']);
  const failedTries = counter('delivery_failures_total', 'Tries to deliver that failed and are made again', ['function']);
  const queueTime = histogram('queue_seconds', 'From acceptance to the first attempt');
  const executionTime = histogram('execution_seconds', 'How long executions took, by the clock of their workers');
  const endToEnd = histogram('end_to_end_seconds', 'From acceptance to the outcome');
  const open = new Map<string, Open>();
  const waiting = new Map<string, Map<string, number>>();
  const functions = new Set<string>();
  let uncounted = 0;
  let sequence = 0;

  new Gauge({
    name: 'sequent_invocations_open',
    help: 'Invocations that are not notified yet',
    registers,
    collect() {
      this.set(open.size + uncounted);
    },
  });
  new Gauge({
    name: 'sequent_queue_age_seconds',
    help: 'The age of the oldest request for which no attempt started yet',
    labelNames: ['function'],
    registers,
    collect() {
      this.reset();
      for (const [name, queued] of waiting) {
        const [oldest] = queued.values();
        this.set({ function: name }, oldest === undefined ? 0 : Math.max(0, clock.now() - oldest) / 1_000);
      }
    },
  });

  function labelOf(name: string): string {
    if (functions.has(name)) return name;
    if (functions.size >= MOST_FUNCTIONS) return OTHERS;
    functions.add(name);
    return name;
  }

  function accept(name: string, id: string, at: number): void {
    accepted.labels(name).inc();
    // A second request of an id starts nothing.
    if (open.has(id)) return;
    if (open.size >= MOST_OPEN) {
      uncounted++;
      return;
    }
    open.set(id, { function: name, acceptedAt: at, attemptAt: undefined });
    let queued = waiting.get(name);
    if (queued === undefined) {
      queued = new Map();
      waiting.set(name, queued);
    }
    queued.set(id, at);
  }

  function begin(name: string, { invocation: id, attempt, at }: Extract<Fact, { type: 'running' }>): void {
    attempts.labels(name).inc();
    const known = open.get(id);
    if (known === undefined) return;
    known.attemptAt = at;
    waiting.get(known.function)?.delete(id);
    if (attempt === 1) queueTime.labels(name).observe(secondsBetween(known.acceptedAt, at));
  }

  function endAttempt(name: string, { invocation: id, at }: Fact): void {
    const known = open.get(id);
    if (known?.attemptAt === undefined) return;
    executionTime.labels(name).observe(secondsBetween(known.attemptAt, at));
    known.attemptAt = undefined;
  }

  function end(name: string, condition: string, fact: Fact): void {
    outcomes.labels(name, condition).inc();
    endAttempt(name, fact);
    const known = open.get(fact.invocation);
    if (known === undefined) return;
    waiting.get(known.function)?.delete(fact.invocation);
    endToEnd.labels(name).observe(secondsBetween(known.acceptedAt, fact.at));
  }

  function foldFact(name: string, fact: Fact): void {
    switch (fact.type) {
      case 'running':
        return begin(name, fact);
      case 'retrying':
        retries.labels(name, fact.failure.kind).inc();
        return endAttempt(name, fact);
      case 'succeeded':
        return end(name, '', fact);
      case 'failed':
        return end(name, fact.condition, fact);
      case 'delivery.failed':
        return failedTries.labels(name).inc();
      case 'delivery.delivered':
      case 'delivery.dead':
        return deliveries.labels(name, fact.type.slice('delivery.'.length)).inc();
      case 'notified':
        if (!open.delete(fact.invocation) && uncounted > 0) uncounted--;
        return;
      default:
        return;
    }
  }

  return {
    get sequence() {
      return sequence;
    },
    fold(entry) {
      sequence = entry.sequence;
      if (entry.kind === 'append') {
        const name = labelOf(entry.name.function);
        for (const fact of entry.append.facts) foldFact(name, fact);
      } else if (entry.kind === 'request') {
        const name = labelOf(entry.message.name.function);
        for (const { fact } of entry.message.requests) accept(name, fact.invocation, fact.at);
      }
    },
  };
}

/** Two machines' clocks may differ: nothing takes less than no time. */
function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / 1_000;
}
