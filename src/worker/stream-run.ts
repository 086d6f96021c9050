import assert from 'node:assert/strict';
import type { Fact, Outcome } from '#machines/facts.ts';
import { effectsDue, type Invocation, type InvocationEffect } from '#machines/invocation.ts';
import type { SlotLedger } from '#src/core/flow/slot-ledger.ts';
import { decideWhenFor } from '#src/core/functions/decide-when.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { type FunctionEntry, versionFor } from '#src/core/functions/entry.ts';
import { hasLimits } from '#src/core/functions/flow.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import { combineResults, type RunResult, type StreamRun } from '#src/core/stream/active-streams.ts';
import { requestOf, type StreamState } from '#src/core/stream/stream.ts';
import { createStreamWriter, type StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { appendOutcome } from './append-outcome.ts';
import type { CanceledBatches } from './canceled-batches.ts';
import { executeAttempt } from './execute-attempt.ts';
import type { Executions } from './executions.ts';
import { findVersion } from './find-version.ts';
import { runInFlow } from './flow-run.ts';
import { GroupRun } from './group-run.ts';
import { afterExecution, afterLoss, type NextStep, nextStep } from './next-step.ts';
import type { WorkerPorts } from './ports.ts';
import { probeAttempt } from './probe-attempt.ts';
import { publishResult } from './publish-result.ts';
import { type SharedSlot, sharedSlotOf } from './shared-slot.ts';
import type { Slots } from './slots.ts';

export type StreamRunOptions = {
  ports: WorkerPorts;
  /** The newest entry of the function that this worker knows. */
  fn: () => FunctionEntry;
  slots: Slots;
  executions: Executions;
  ledger: SlotLedger;
  canceledBatches: CanceledBatches;
};

/** An invocation as the log has it, with its request. */
type Due = { request: AcceptedRequest; invocation: Invocation };
/** The result of one effect. `again`: the state may have changed, so the machine is asked for its effects again. */
type EffectResult = RunResult | 'again';

/**
 * Executes what is due in one stream, and appends the results.
 *
 * - The run asks the machine which effects an invocation needs, performs them, and repeats until no effect is left.
 * - An execution starts only after the run's own append of `running` is durable (EXEC1).
 * - A result is appended only while its attempt is the current one (EXEC2).
 * - An attempt of another run is never executed here: its worker is asked whether it is alive (EXEC3).
 * - The run is settled only after the results of its outcomes are stored (EXEC4), and publishes no result of another run (PUB1, PUB2).
 *
 * A class, because one instance exists per stream: docs/performance.md V6.
 */
export class WorkerRun implements StreamRun {
  readonly #options: StreamRunOptions;
  readonly #writer: StreamWriter;
  /** The invocations that a call of `advance` is advancing. */
  readonly #advancing = new Set<string>();
  /** The invocations whose first tries were all claimed with the outcome. */
  readonly #claimed = new Set<string>();
  /** The outcome of each published result (PUB1), by invocation. */
  readonly #published = new Map<string, Outcome>();
  readonly #items: readonly WorkItem[];
  /** Whether the batch of these requests was cancelled before the log accepted them (FAN4); unknown until the batch was read. */
  #isBatchCanceled: boolean | undefined;
  readonly #groups: GroupRun;

  constructor(options: StreamRunOptions, state: StreamState, items: readonly WorkItem[]) {
    const { log, worker, appendId, clock } = options.ports;
    this.#options = options;
    this.#items = items;
    this.#writer = createStreamWriter({ log, state, by: worker, appendId, clock });
    this.#groups = new GroupRun(options.ports, this.#writer);
  }

  get state(): StreamState {
    return this.#writer.state;
  }

  async refresh(newer?: StreamState): Promise<void> {
    await this.#writer.refresh(newer);
  }

  advance(): Promise<RunResult> {
    const results = [...this.#writer.state.invocations.keys()].map((id) => this.#advanceInvocation(id));
    return results.length === 1 ? (results[0] as Promise<RunResult>) : Promise.all(results).then(combineResults);
  }

  async #advanceInvocation(id: string): Promise<RunResult> {
    // The earlier call that is advancing this invocation reports its result.
    if (this.#advancing.has(id)) return 'settled';
    this.#advancing.add(id);
    try {
      for (let rounds = 0; ; ) {
        const { version } = this.#writer.state;
        const result = await this.#performEffects(id);
        if (result !== 'again') return result;
        // Rounds without a new version mean that an effect does not satisfy the machine: a defect, not a wait.
        rounds = this.#writer.state.version === version ? rounds + 1 : 0;
        assert(rounds < 3, `${id} does not advance from ${String(this.#writer.state.invocations.get(id)?.value)}`);
      }
    } finally {
      this.#advancing.delete(id);
    }
  }

  /** The worker's action for each effect of the machine, whether its own append or a fact in the log asks for the effect. */
  static readonly #actions: Readonly<Record<InvocationEffect, (run: WorkerRun, due: Due) => EffectResult | Promise<EffectResult>>> = {
    startAttempt: (run, due) => run.#startAttempt(due),
    // An item may arrive before an attempt is due. The run then settles, and the scheduler hints when it is due.
    wakeWhenDue: (run, due) => run.#startAttempt(due),
    // The run executes its own attempts where it appends them. An attempt that it finds in the log is another run's, or lost.
    execute: (run, due) => run.#probeAttempt(due),
    publishResult: (run, due) => run.#publishResult(due),
    deliverOutcome: (run, due) => run.#deliverOutcome(due),
    // `appendOutcome` makes the tries that it claimed. The destinations role makes all others.
    deliver: () => 'settled',
    sealWhenDue: () => 'settled',
    completeWhenOver: () => 'settled',
  };

  #performEffects(id: string): EffectResult | Promise<EffectResult> {
    const due = this.#dueOf(id);
    const effects = due === undefined ? [] : effectsDue(due.invocation);
    const [first] = effects;
    if (due === undefined || first === undefined) return 'settled';
    return effects.length === 1 ? WorkerRun.#actions[first](this, due) : this.#performEach(effects, due);
  }

  async #performEach(effects: readonly InvocationEffect[], due: Due): Promise<EffectResult> {
    for (const effect of effects) {
      const result = await WorkerRun.#actions[effect](this, due);
      if (result !== 'settled') return result;
    }
    return 'settled';
  }

  /** The request is looked up each time, because a conflict may reveal that the stream belongs to another request. */
  #dueOf(id: string): Due | undefined {
    const { state } = this.#writer;
    const invocation = state.invocations.get(id);
    const request = requestOf(state, id);
    return invocation === undefined || request === undefined ? undefined : { request, invocation };
  }

  #startAttempt(due: Due): EffectResult | Promise<EffectResult> {
    const step = this.#decide(due);
    return step instanceof Promise ? step.then((found) => this.#performStep(due, found)) : this.#performStep(due, step);
  }

  /** Decides by the terms, the pause and the age of this moment; `undefined` when the invocation waits for no attempt. */
  #decide({ request, invocation }: Due): NextStep | undefined | Promise<NextStep | undefined> {
    if (invocation.value !== 'queued' && invocation.value !== 'retrying') return undefined;
    const fn = versionFor(this.#options.fn(), invocation.context);
    if (invocation.context.group?.leader !== undefined) return this.#groups.follow({ invocation, request, fn });
    if (fn !== undefined) return this.#decideFor(fn, request, invocation);
    return findVersion(this.#options.ports.findFunction, this.#writer.state.name.function, invocation.context).then((found) =>
      this.#decideFor(found, request, invocation),
    );
  }

  #decideFor(fn: RegisteredFunction | undefined, request: AcceptedRequest, invocation: Invocation): NextStep {
    const { worker, maxHops, maxChain, emptyPayload, payloads, clock } = this.#options.ports;
    const bounds = { maxHops, maxChain, emptyPayload, payloads, isBatchCanceled: this.#isBatchCanceled };
    return nextStep({ invocation, request, fn, worker, now: clock.now(), ...bounds });
  }

  #performStep({ request, invocation }: Due, step: NextStep | undefined): EffectResult | Promise<EffectResult> {
    const isFirst = (step?.kind === 'start' || step?.kind === 'not-due') && invocation.context.attempts === 0;
    if (isFirst && request.fact.batch !== undefined && this.#isBatchCanceled === undefined) return this.#readBatch(request.fact.batch);
    switch (step?.kind) {
      case undefined:
      case 'not-due':
        return 'settled';
      case 'paused':
        return 'left-unacked';
      case 'end':
        return this.#appendEnd(request.fact.invocation, step.facts);
      case 'start':
        return this.#holdAttempt({ request, invocation }, step);
    }
  }

  /** This worker says from here on that it runs the attempt (EXEC5). */
  #holdAttempt({ request, invocation }: Due, step: NextStep & { kind: 'start' }): Promise<EffectResult> {
    const held = { function: this.#writer.state.name.function, invocation: step.fact.invocation, attempt: step.fact.attempt };
    return this.#options.executions.hold(held, () =>
      this.#options.fn().definition.flow === undefined && invocation.context.waitsFor === null && invocation.context.group === null
        ? this.#runAttempt(request, step)
        : this.#startInFlow({ request, invocation }, step),
    );
  }

  /** A debounced request waits for its group first, and its leader runs for all members (DEB1, DEB3). */
  #startInFlow({ request, invocation }: Due, step: NextStep & { kind: 'start' }): EffectResult | Promise<EffectResult> {
    const { flow } = this.#options.fn().definition;
    const run = (): EffectResult | Promise<EffectResult> =>
      hasLimits(flow) ? this.#runInFlow(request, step.fact.attempt) : this.#runAttempt(request, step);
    const prepared = this.#groups.prepare({ request, invocation, flow });
    return prepared === undefined ? run() : prepared.then((result) => result ?? run());
  }

  /** All requests of a message are members of one batch. The step is decided again, because the read takes time. */
  async #readBatch(batch: string): Promise<EffectResult> {
    const { name, request } = this.#writer.state;
    this.#isBatchCanceled = await this.#options.canceledBatches.isCanceledBefore(name.function, batch, request.sequence);
    return 'again';
  }

  /** Acquires a slot, appends `running`, executes, and appends the result. `not-started` when the worker stops before a slot is free. */
  async #runAttempt(request: AcceptedRequest, decided: NextStep & { kind: 'start' }): Promise<EffectResult> {
    const { slots } = this.#options;
    let step: NextStep | undefined = decided;
    const hasWaited = !slots.tryAcquire();
    if (hasWaited && !(await slots.acquire())) return 'not-started';
    let ended: { attempt: number; result: ExecutionResult } | undefined;
    try {
      // During the wait the function may have changed, and the event may have become too old.
      if (hasWaited) step = await this.#decideAgain(decided.fact.invocation);
      const needsSharedSlot = hasWaited && hasLimits(this.#options.fn().definition.flow);
      if (step?.kind !== 'start' || step.fact.attempt !== decided.fact.attempt || needsSharedSlot) return 'again';
      const { fact } = step;
      const effects = await this.#writer.propose(fact.invocation, [fact]);
      // Without the effect the fact was refused: another process was first, and the state shows its fact (EXEC1).
      if (effects?.includes('execute'))
        ended = { attempt: fact.attempt, result: await executeAttempt(this.#options, this.#groups.withEvents(request), step) };
    } finally {
      slots.release();
    }
    return ended === undefined ? 'again' : this.#appendResult(request, ended.attempt, ended.result);
  }

  /** As `#runAttempt`, with a slot that all workers share as well. */
  #runInFlow(request: AcceptedRequest, attempt: number): Promise<EffectResult> {
    return runInFlow({
      ...{ ...this.#options, clock: this.#options.ports.clock },
      slotOf: () => this.#sharedSlot(request, attempt),
      invocation: () => this.#writer.state.invocations.get(request.fact.invocation),
      propose: (fact) => this.#writer.propose(fact.invocation, [fact]),
      start: (onStart) => this.#startHeld(request, attempt, onStart),
      append: (result) => this.#appendResult(request, attempt, result),
    });
  }

  /** During the wait the function may have changed, and the event may have become too old. The slot is for this attempt alone. */
  async #startHeld(request: AcceptedRequest, attempt: number, onStart: () => void): Promise<ExecutionResult | undefined> {
    const step = await this.#decideAgain(request.fact.invocation);
    if (step?.kind !== 'start' || step.fact.attempt !== attempt) return undefined;
    const isStarted = (await this.#writer.propose(step.fact.invocation, [step.fact]))?.includes('execute');
    if (isStarted) onStart();
    return isStarted ? await executeAttempt(this.#options, this.#groups.withEvents(request), step) : undefined;
  }

  #sharedSlot(request: AcceptedRequest, attempt: number): SharedSlot | undefined {
    const [{ flow }, { payloads }] = [this.#options.fn().definition, this.#options.ports];
    return !hasLimits(flow) ? undefined : sharedSlotOf({ request, attempt, flow, payloads }, this.#writer.state);
  }

  async #decideAgain(id: string): Promise<NextStep | undefined> {
    const due = this.#dueOf(id);
    return due && (await this.#decide(due));
  }

  /** Drops the result when another attempt is the current one: the fence (EXEC2). */
  #appendResult(request: AcceptedRequest, attempt: number, result: ExecutionResult): 'again' | Promise<'again'> {
    const { executions, ports } = this.#options;
    const { clock, worker, log, payloads } = ports;
    const id = request.fact.invocation;
    const current = this.#writer.state.invocations.get(id);
    if (current?.context.attempts !== attempt) return 'again';
    const end = { at: clock.now(), decide: decideWhenFor(request, payloads), maxBytes: log.maxAppendBytes };
    const facts = executions.isAborted
      ? afterLoss(current, `worker ${worker} was stopped during attempt ${attempt}`, end)
      : afterExecution(current, result, end);
    return this.#appendEnd(id, facts);
  }

  async #appendEnd(id: string, facts: readonly Fact[]): Promise<'again'> {
    if (await appendOutcome(facts, { writer: this.#writer, deliverer: this.#options.ports.deliverer })) this.#claimed.add(id);
    this.#groups.noteAppended(id);
    return 'again';
  }

  #probeAttempt({ request, invocation }: Due): Promise<EffectResult> {
    const slotOf = (attempt: number): SharedSlot | undefined => this.#sharedSlot(request, attempt);
    return probeAttempt(request, invocation, { ...this.#options, writer: this.#writer, slotOf });
  }

  #publishResult(due: Due): Promise<'settled'> {
    const { state } = this.#writer;
    return publishResult(due, { ports: this.#options.ports, state, items: this.#items, published: this.#published });
  }

  /** Passes the outcome to the first entry of a delivery that takes it (docs/architecture.md). An outcome without destinations is `notified`. */
  #deliverOutcome({ request: { fact }, invocation: { context } }: Due): 'settled' | Promise<'settled'> {
    const { outcome } = context;
    if ((outcome?.destinations ?? []).length === 0) return this.#notify(fact.invocation, outcome);
    const { deliverer, hints } = this.#options.ports;
    const { state } = this.#writer;
    if (this.#claimed.delete(fact.invocation) || deliverer?.take(state)) return 'settled';
    hints.deliver(state.name, state.request.sequence, `${state.name.stream}.${state.version}`, state);
    return 'settled';
  }

  async #notify(id: string, outcome: Outcome | null): Promise<'settled'> {
    await this.#writer.propose(id, [{ type: 'notified', invocation: id, at: this.#options.ports.clock.now() }], outcome);
    return 'settled';
  }
}
