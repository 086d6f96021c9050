import type { Fact, FactOf } from '#machines/facts.ts';
import type { Append, RequestMessage, StoredAppend, StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import type { DeliveryRequest, DeliveryResult } from '#src/core/ports/destination-target.ts';
import type { Execution, ExecutionResult } from '#src/core/ports/function-host.ts';
import { mayHaveEndedWithoutItem } from '#src/core/stream/ended-without-item.ts';
import type { Engine } from './engine.ts';
import { foldDelivery, isOver, keyOf, type Life, newDelivery, newLife } from './life.ts';
import type { Process } from './process.ts';

/** An invocation ends with the eighth worker that it loses. */
const MAX_LOST_ATTEMPTS = 8;

/** The names that the roles of a process record. */
export function delivererOf({ name }: Process): string {
  return `deliverer-${name}`;
}

/**
 * Watches a world from the outside. It sees the log at the server at once, and every effect when it happens.
 *
 * It reports what only the moment of an effect shows: an effect before its append (E1), an attempt that is made twice (E5) or too early
 * (T1), and an item that is acknowledged too early (ITEM2, EXEC4).
 */
export class Ledger {
  readonly problems: string[] = [];
  readonly lives = new Map<string, Life>();
  readonly accepted = new Set<string>();
  readonly redeliveries: string[] = [];
  readonly #open = new Set<Life>();
  /** The streams that have an append, or whose request was read from the log. */
  readonly #streams = new Map<string, Set<Life>>();
  readonly #engine: Engine;
  /** How early an effect may seem to be, because clocks differ. */
  readonly #toleranceInMs: number;

  constructor(engine: Engine, toleranceInMs: number) {
    this.#engine = engine;
    this.#toleranceInMs = toleranceInMs;
  }

  /** The invocations of the log that are not over. */
  get open(): ReadonlySet<Life> {
    return this.#open;
  }

  problem(text: string): void {
    this.problems.push(text);
    this.#engine.note(`PROBLEM ${text}`);
  }

  /** The log holds a request. */
  requested({ name, requests }: RequestMessage): void {
    for (const { fact } of requests) this.#lifeOf(name, fact.invocation);
  }

  /** The log stored an append. */
  appended(name: StreamName, { facts, id }: Append, { version }: StoredAppend): void {
    this.#engine.note(`stored ${id} as ${version}`);
    for (const fact of facts) {
      const life = this.#lifeOf(name, fact.invocation);
      this.#fold(fact, life);
      if (life.endedAt === 0 && life.outcomes.length > 0) life.endedAt = version;
      if (isOver(life)) this.#open.delete(life);
      else this.#open.add(life);
    }
  }

  executed(process: Process, { definition, requestId, attempt }: Execution): void {
    const life = this.lives.get(keyOf(definition.name, requestId));
    const recorded = life?.attempts.get(attempt);
    const what = `attempt ${attempt} of ${requestId}`;
    if (life === undefined || recorded === undefined) return this.problem(`E1: ${what} was executed before its append`);
    if (recorded.worker !== process.name) this.problem(`EXEC3: ${what} of ${recorded.worker} was executed by ${process.name}`);
    if (life.executions.has(attempt)) this.problem(`E5: ${what} was executed twice`);
    const dueAt = life.retries.find((retry) => retry.attempt === attempt - 1)?.dueAt ?? 0;
    if (this.#engine.now + this.#toleranceInMs < dueAt) this.problem(`T1: ${what} started ${dueAt - this.#engine.now} ms too early`);
    life.executions.set(attempt, { process: process.name, startedAt: this.#engine.now });
  }

  returned({ definition, requestId, attempt }: Execution, result: ExecutionResult): void {
    const execution = this.lives.get(keyOf(definition.name, requestId))?.executions.get(attempt);
    if (execution === undefined) return;
    execution.result = result;
    execution.tookInMs = this.#engine.now - execution.startedAt;
  }

  published(process: Process, name: StreamName, id: string, outcome: string): void {
    const life = this.lives.get(keyOf(name.function, id));
    if (life === undefined || life.outcomes.length === 0) return this.problem(`E1: the result of ${id} was published before its outcome`);
    life.published.push({ outcome, by: process.name });
  }

  isPublished(name: StreamName, id: string): boolean {
    return (this.lives.get(keyOf(name.function, id))?.published.length ?? 0) > 0;
  }

  tried(process: Process, { functionName, requestId, destination, try: number }: DeliveryRequest): void {
    const delivery = this.lives.get(keyOf(functionName, requestId))?.deliveries.get(destination.id);
    const recorded = delivery?.started.get(number);
    const what = `try ${number} of ${requestId}/${destination.id}`;
    if (delivery === undefined || recorded === undefined) return this.problem(`E1: ${what} was made before its append`);
    if (recorded.deliverer !== delivererOf(process)) this.problem(`D1: ${what} of ${recorded.deliverer} was made by ${process.name}`);
    if (delivery.made.has(number)) this.problem(`D1: ${what} was made twice`);
    const dueAt = delivery.failed.find((failed) => failed.try === number - 1)?.dueAt ?? 0;
    if (this.#engine.now + this.#toleranceInMs < dueAt) this.problem(`T1: ${what} started ${dueAt - this.#engine.now} ms too early`);
    delivery.made.set(number, undefined);
  }

  tryEnded({ functionName, requestId, destination, try: number }: DeliveryRequest, result: DeliveryResult): void {
    this.lives.get(keyOf(functionName, requestId))?.deliveries.get(destination.id)?.made.set(number, result);
  }

  /** A process acknowledges an item of a function. `others` are the sequences of the other open items of the stream. */
  acknowledged(process: Process, name: StreamName, others: readonly number[]): void {
    for (const life of this.#streams.get(streamKey(name)) ?? []) {
      if (life.outcomes.length > 0) this.#acknowledgedAfterEnd(life, others);
      else this.#acknowledgedBeforeEnd(process, life);
    }
  }

  /** The item that brought the outcome stays until the result is stored (EXEC4). A younger item is not concerned (PUB2). */
  #acknowledgedAfterEnd({ id, outcomes: [outcome], published, endedAt }: Life, others: readonly number[]): void {
    const isStored = published.length > 0 || others.some((sequence) => sequence < endedAt);
    if (isStored || outcome === undefined || mayHaveEndedWithoutItem(outcome)) return;
    this.problem(`EXEC4: the last item of ${id} was acknowledged before its result was stored`);
  }

  #acknowledgedBeforeEnd(process: Process, { id, attempts, retries }: Life): void {
    const last = Math.max(0, ...attempts.keys());
    const waits = retries.some(({ attempt }) => attempt === last);
    // An attempt of another process may have started after the decision to acknowledge. That process holds an item of its own.
    const isOfAnother = last > 0 && attempts.get(last)?.worker !== process.name;
    if (!waits && !isOfAnother)
      this.problem(`ITEM2: ${process.name} acknowledged ${id} ${last === 0 ? 'in the queue' : `during attempt ${last}`}`);
  }

  redelivered(process: Process, { number, name }: { number: number; name: StreamName }): void {
    this.redeliveries.push(`item ${number} of ${name.stream} to ${process.name}`);
  }

  #lifeOf(name: StreamName, id: string): Life {
    const key = keyOf(name.function, id);
    const present = this.lives.get(key);
    if (present !== undefined) return present;
    const life = newLife(name.function, id);
    this.lives.set(key, life);
    this.#open.add(life);
    const stream = this.#streams.get(streamKey(name)) ?? new Set();
    this.#streams.set(streamKey(name), stream.add(life));
    return life;
  }

  #judgeAttempt(life: Life, { attempt, terms }: FactOf<'running'>): void {
    const { id, attempts, retries } = life;
    if (attempts.has(attempt)) this.problem(`E5: attempt ${attempt} of ${id} is in the log twice`);
    if (terms !== undefined) life.maxRetries = terms.maxRetries;
    const lost = retries.filter(({ failure }) => failure.kind === 'lost').length;
    if (lost >= MAX_LOST_ATTEMPTS) this.problem(`E5: attempt ${attempt} of ${id} follows ${lost} lost workers`);
    const failed = retries.filter(({ failure }) => failure.kind === 'function').length;
    if (failed > life.maxRetries) this.problem(`E5: attempt ${attempt} of ${id} is retry ${failed} of ${life.maxRetries}`);
  }

  #fold(fact: Fact, life: Life): void {
    switch (fact.type) {
      case 'running':
        this.#judgeAttempt(life, fact);
        life.attempts.set(fact.attempt, { worker: fact.worker, at: fact.at });
        return;
      case 'retrying':
        life.retries.push(fact);
        return;
      case 'succeeded':
      case 'failed':
        life.outcomes.push(fact);
        if (life.outcomes.length > 1) this.problem(`E4: ${life.id} has ${life.outcomes.length} outcomes`);
        for (const { id } of fact.destinations ?? []) life.deliveries.set(id, newDelivery());
        return;
      case 'notified':
        if (++life.notified > 1) this.problem(`E4: ${life.id} was notified ${life.notified} times`);
        return;
      case 'queued':
      case 'redriven':
        return;
      default: {
        const delivery = life.deliveries.get(fact.destination);
        if (delivery === undefined) return this.problem(`D1: ${fact.type} of ${life.id} to ${fact.destination}, which its outcome lacks`);
        foldDelivery(delivery, fact);
      }
    }
  }
}
