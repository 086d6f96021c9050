import type { Fact, FactOf, Outcome } from '#machines/facts.ts';
import type { Append, FullLogEntry, RequestMessage, StoredAppend, StreamName } from '#src/core/log/event-log.ts';
import { MAX_BATCH, streamKey } from '#src/core/names/ids.ts';
import type { DeliveryRequest, DeliveryResult } from '#src/core/ports/destination-target.ts';
import type { Execution, ExecutionResult } from '#src/core/ports/function-host.ts';
import { mayHaveEndedWithoutItem } from '#src/core/stream/ended-without-item.ts';
import { holdsInWorld } from '#test/simulate/world/conditions.ts';
import type { Engine } from '#test/simulate/world/engine.ts';
import type { Process } from '#test/simulate/world/process.ts';
import { Chains } from './chains.ts';
import { carryOver, foldDelivery, foldRequest, follow, isOver, keyOf, type Life, newDelivery, newLife } from './life.ts';
import { RunningAttempts } from './slots.ts';
import { Wakes } from './wakes.ts';

/** An invocation ends with the eighth worker that it loses. */
const MAX_LOST_ATTEMPTS = 8;
/** All questions of a process for the time may be slow. */
const MAX_CLOCK_ERROR_IN_MS = 500;

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
  /** The sequences of the requests that were acknowledged to the client, by the keys of their lives. */
  readonly accepted = new Map<string, number>();
  readonly redeliveries: string[] = [];
  /** When the log went backwards, latest first. */
  readonly cuts: { at: number; from: number }[] = [];
  readonly wakes: Wakes;
  readonly running: RunningAttempts;
  /** The lives whose request the log lost. */
  readonly #lost = new Map<string, Life>();
  readonly #chains = new Chains();
  readonly #open = new Set<Life>();
  /** The streams that have an append, or whose request was read from the log. */
  readonly #streams = new Map<string, Set<Life>>();
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.wakes = new Wakes(engine);
    this.running = new RunningAttempts(() => engine.now);
  }

  /** The invocations of the log that are not over. */
  get open(): ReadonlySet<Life> {
    return this.#open;
  }

  problem(text: string | undefined): void {
    if (text === undefined) return;
    this.problems.push(text);
    this.#engine.note(`PROBLEM ${text}`);
  }

  /** The log holds a request. */
  requested({ name, sequence, requests }: RequestMessage): void {
    for (const [index, request] of requests.entries()) {
      const life = this.#lifeOf(name, request.fact.invocation);
      if (foldRequest(life, request, sequence + index / MAX_BATCH)) this.problem(this.running.note(life));
    }
  }

  /** The log stored an append. `request` is the message at the sequence that the append names as its request. */
  appended(name: StreamName, append: Append, stored: StoredAppend, request: RequestMessage | undefined): void {
    this.#engine.note(`stored ${append.id} as ${stored.version}`);
    if (this.#chains.accepts(name, { append, stored, request })) this.#foldAppend(name, append, stored);
    else if (this.cuts.length === 0) this.problem(`LINK2: append ${append.id} follows another message than the last one of its stream`);
  }

  /** The log lost its last messages, and holds these ones now. What happened in the world stays. */
  lost(from: number, entries: readonly FullLogEntry[]): void {
    this.cuts.unshift({ at: this.#engine.now, from });
    this.running.hasCuts = true;
    const before = [...this.lives.values()];
    for (const known of [this.lives, this.#open, this.#streams, this.#chains]) known.clear();
    const requests = new Map<number, RequestMessage>();
    for (const entry of entries) {
      if (entry.kind === 'request') {
        requests.set(entry.sequence, entry.message);
        this.requested(entry.message);
      } else if (entry.kind === 'append') {
        const { name, append } = entry;
        if (this.#chains.accepts(name, { append, stored: append, request: requests.get(append.request) }))
          this.#foldAppend(name, append, append);
      }
    }
    for (const old of before) {
      const life = this.lives.get(old.key);
      if (life === undefined) this.#lost.set(old.key, old);
      else carryOver(old, life);
    }
  }

  /** A power cut took a part of the life, so that processes may still act on facts that are lost. */
  isCut(key: string): boolean {
    return this.#lost.has(key) || (this.lives.get(key)?.isCut ?? false);
  }

  /** The invocations that the log lost whole. */
  get lostLives(): Iterable<Life> {
    return this.#lost.values();
  }

  #foldAppend(name: StreamName, { facts }: Append, { version }: StoredAppend): void {
    for (const fact of facts) {
      const life = this.#lifeOf(name, fact.invocation);
      life.facts++;
      this.problem(follow(life, fact));
      this.#fold(fact, life);
      this.problem(this.running.fold(fact, life, version));
      if (life.endedAt === 0 && life.outcomes.length > 0) life.endedAt = version;
      if (isOver(life)) this.#open.delete(life);
      else this.#open.add(life);
    }
  }

  executed(process: Process, execution: Execution): void {
    const { definition, requestId, attempt } = execution;
    const life = this.lives.get(keyOf(definition.name, requestId));
    const recorded = life?.attempts.get(attempt);
    const what = `attempt ${attempt} of ${requestId}`;
    this.#judgeClock(process);
    if (recorded?.worker !== process.name && this.isCut(keyOf(definition.name, requestId))) return;
    if (life === undefined || recorded === undefined) return this.problem(`E1: ${what} was executed before its append`);
    if (recorded.worker !== process.name) this.problem(`EXEC3: ${what} of ${recorded.worker} was executed by ${process.name}`);
    if (life.executions.has(attempt)) this.problem(`E5: ${what} was executed twice`);
    this.problem(this.running.execute(execution, life));
    const dueAt = attempt === 1 ? life.dueAt : life.retries.find((retry) => retry.attempt === attempt - 1)?.dueAt;
    this.#judgeDue(process, what, dueAt ?? 0);
    life.executions.set(attempt, { process: process.name, startedAt: this.#engine.now });
  }

  returned(process: Process, { definition, requestId, attempt }: Execution, result: ExecutionResult): void {
    const execution = this.lives.get(keyOf(definition.name, requestId))?.executions.get(attempt);
    if (execution?.process !== process.name) return;
    execution.result = result;
    execution.tookInMs = this.#engine.now - execution.startedAt;
  }

  published(process: Process, name: StreamName, id: string, outcome: string): void {
    const key = keyOf(name.function, id);
    const life = this.lives.get(key);
    // The result belongs to an outcome that is lost.
    if (life?.outcomes[0]?.type !== outcome && this.isCut(key)) return;
    if (life === undefined || life.outcomes.length === 0) return this.problem(`E1: the result of ${id} was published before its outcome`);
    life.published.push({ outcome, by: process.name });
  }

  isPublished(name: StreamName, id: string, type: Outcome['type']): boolean {
    return this.lives.get(keyOf(name.function, id))?.published.some(({ outcome }) => outcome === type) ?? false;
  }

  tried(process: Process, { functionName, requestId, destination, try: number }: DeliveryRequest): void {
    const delivery = this.lives.get(keyOf(functionName, requestId))?.deliveries.get(destination.id);
    const recorded = delivery?.started.get(number);
    const what = `try ${number} of ${requestId}/${destination.id}`;
    this.#judgeClock(process);
    if (recorded?.deliverer !== delivererOf(process) && this.isCut(keyOf(functionName, requestId))) return;
    if (delivery === undefined || recorded === undefined) return this.problem(`E1: ${what} was made before its append`);
    if (recorded.deliverer !== delivererOf(process)) this.problem(`D1: ${what} of ${recorded.deliverer} was made by ${process.name}`);
    if (delivery.made.has(number)) this.problem(`D1: ${what} was made twice`);
    const dueAt = delivery.failed.find((failed) => failed.try === number - 1)?.dueAt ?? 0;
    this.#judgeDue(process, what, dueAt);
    delivery.made.set(number, undefined);
  }

  tryEnded(process: Process, { functionName, requestId, destination, try: number }: DeliveryRequest, result: DeliveryResult): void {
    const delivery = this.lives.get(keyOf(functionName, requestId))?.deliveries.get(destination.id);
    if (delivery?.started.get(number)?.deliverer === delivererOf(process)) delivery.made.set(number, result);
  }

  /** A process acknowledges an item of a function. `others` returns the sequences of the other open items of the stream. */
  acknowledged(process: Process, name: StreamName, others: () => readonly number[]): void {
    for (const life of this.#streams.get(streamKey(name)) ?? []) {
      // The process may not know yet that facts are lost.
      if (life.isCut || life.opens !== undefined) continue;
      if (life.outcomes.length > 0) this.#acknowledgedAfterEnd(life, others);
      else this.#acknowledgedBeforeEnd(process, life);
    }
  }

  /** The item that brought the outcome stays until the result is stored (EXEC4), or the slot of an attempt that waited (PUB3). Not a younger item (PUB2). */
  #acknowledgedAfterEnd({ id, outcomes: [outcome], published, endedAt, deferredAt }: Life, others: () => readonly number[]): void {
    const isStored = published.length > 0 || others().some((sequence) => sequence < endedAt);
    if (isStored || deferredAt.length > 0 || outcome === undefined || mayHaveEndedWithoutItem(outcome)) return;
    this.problem(`EXEC4: the last item of ${id} was acknowledged before its result was stored`);
  }

  #acknowledgedBeforeEnd(process: Process, { id, attempts, retries, dueAt, deferredAt }: Life): void {
    const last = Math.max(0, ...attempts.keys());
    // A delayed request waits without an item, as a retry does, and a request that waits for a slot of its key.
    const waits = last === 0 ? dueAt > 0 || deferredAt.length > 0 : retries.some(({ attempt }) => attempt === last);
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
    const life = newLife(name, id, this.#lost.has(key));
    this.lives.set(key, life);
    this.#open.add(life);
    const stream = this.#streams.get(streamKey(name)) ?? new Set();
    this.#streams.set(streamKey(name), stream.add(life));
    return life;
  }

  #judgeAttempt(life: Life, { attempt, terms }: FactOf<'running'>): void {
    const { id, attempts, retries } = life;
    if (attempts.has(attempt)) this.problem(`E5: attempt ${attempt} of ${id} is in the log twice`);
    if (terms !== undefined) life.terms = terms;
    if (terms !== undefined) life.maxRetries = terms.maxRetries;
    if (terms !== undefined) life.maxAgeInMs = terms.maxAgeInMs;
    const lost = retries.filter(({ failure }) => failure.kind === 'lost').length;
    if (lost >= MAX_LOST_ATTEMPTS) this.problem(`E5: attempt ${attempt} of ${id} follows ${lost} lost workers`);
    const failed = retries.filter(({ failure }) => failure.kind === 'function').length;
    if (failed > life.maxRetries) this.problem(`E5: attempt ${attempt} of ${id} is retry ${failed} of ${life.maxRetries}`);
  }

  #judgeClock({ name, machine }: Process): void {
    const why = machine.whyWrong();
    if (why !== undefined) this.problem(`TIME2: ${why}, in ${name}`);
  }

  #judgeDue({ machine }: Process, what: string, dueAt: number): void {
    const earlyInMs = dueAt - this.#engine.now;
    if (earlyInMs > machine.toleranceInMs) this.problem(`T1: ${what} started ${earlyInMs} ms too early`);
  }

  /** No clock ends accepted work before its time. */
  #judgeAge({ id, acceptedAt, dueAt, maxAgeInMs }: Life, outcome: Outcome): void {
    if (outcome.type !== 'failed' || outcome.condition !== 'EventAgeExceeded') return;
    const ageInMs = this.#engine.now - (dueAt || acceptedAt);
    if (ageInMs + MAX_CLOCK_ERROR_IN_MS < maxAgeInMs)
      this.problem(`T1: ${id} ended at the age of ${ageInMs} ms, and its maximum is ${maxAgeInMs} ms`);
  }

  /** An outcome goes to the destinations whose condition holds, and names the others (WHEN1). */
  #judgeConditions({ id, payload, terms }: Life, outcome: Outcome): void {
    const { destinations = [], notSent = [] } = outcome;
    const isWrong = [...destinations.map((one) => ({ ...one, isSent: true })), ...notSent.map((one) => ({ ...one, isSent: false }))].find(
      ({ when, isSent }) => (when === undefined ? !isSent : holdsInWorld(when, outcome, payload) !== isSent),
    );
    if (isWrong !== undefined) this.problem(`WHEN1: the outcome of ${id} to ${isWrong.id}, whose condition is ${isWrong.when}`);
    const configured = outcome.type === 'succeeded' ? terms?.onSuccess : terms?.onFailure;
    if (terms === undefined || (outcome.type === 'failed' && outcome.condition === 'LoopDetected')) return;
    if (destinations.length + notSent.length !== (configured ?? []).length)
      this.problem(`WHEN1: the outcome of ${id} lacks a destination of its terms`);
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
        this.#judgeAge(life, fact);
        this.#judgeConditions(life, fact);
        if (life.outcomes.length > 1) this.problem(`E4: ${life.id} has ${life.outcomes.length} outcomes`);
        for (const { id } of fact.destinations ?? []) life.deliveries.set(id, newDelivery());
        return;
      case 'notified':
        if (++life.notified > 1) this.problem(`E4: ${life.id} was notified ${life.notified} times`);
        return;
      case 'deferred':
        life.deferredAt.push(fact.at);
        return;
      case 'queued':
      case 'debounce.closed':
      case 'debounce.joined':
      case 'batch.sealed':
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
