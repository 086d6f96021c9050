import assert from 'node:assert/strict';
import type { Fact, Outcome } from '#machines/facts.ts';
import { effectsDue, type Invocation, type InvocationEffect } from '#machines/invocation.ts';
import type { SlotLedger } from '#src/core/flow/slot-ledger.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { type FunctionEntry, versionFor } from '#src/core/functions/entry.ts';
import { hasLimits } from '#src/core/functions/flow.ts';
import { decideWhenFor } from '#src/core/functions/when/decide-when.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import { combineResults, type RunResult, type StreamRun } from '#src/core/stream/active-streams.ts';
import { requestOf, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { GroupRun } from '#src/worker/groups/group-run.ts';
import type { WorkerPorts } from '#src/worker/ports.ts';
import { acquirePlace, type ExecutionSlots, type Place } from '#src/worker/slots/execution-slots.ts';
import { acquireInFlow, KeptSlots } from '#src/worker/slots/flow-run.ts';
import type { GrantedAttempts } from '#src/worker/slots/granted-attempts.ts';
import { type LedgerSlot, ledgerSlotOf } from '#src/worker/slots/ledger-slot.ts';
import type { CanceledBatches } from './canceled-batches.ts';
import type { Due } from './due.ts';
import { type Executions, executeAttempt, type HeldAttempt } from './executions.ts';
import { afterExecution, afterLoss, findVersion, type NextStep, nextStep, type StartStep } from './next-step.ts';
import { appendWithTries, claimFirstTries, deliverOutcome, publishResult } from './outcome-effects.ts';
import { probeAttempt } from './probe-attempt.ts';
import { recordRedrive } from './record-redrive.ts';

export type StreamRunOptions = {
  ports: WorkerPorts;
  /** The newest entry of the function that this worker knows. */
  fn: () => FunctionEntry;
  slots: ExecutionSlots;
  executions: Executions;
  ledger: SlotLedger;
  granted: GrantedAttempts;
  canceledBatches: CanceledBatches;
};

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
  #groups: GroupRun | undefined;
  #kept: KeptSlots | undefined;
  /** Of a redrive: whether the invocation that it runs again names it (RDR1). */
  #recorded: Promise<RunResult> | undefined;

  constructor(options: StreamRunOptions, state: StreamState, items: readonly WorkItem[]) {
    const { log, worker, appendId, clock } = options.ports;
    this.#options = options;
    this.#items = items;
    this.#writer = new StreamWriter({ log, state, by: worker, appendId, clock });
  }

  get state(): StreamState {
    return this.#writer.state;
  }

  async refresh(newer?: StreamState): Promise<void> {
    await this.#writer.refresh(newer);
  }

  advance(): Promise<RunResult> {
    const { state } = this.#writer;
    // A run that no message stands for leaves the other invocations alone: nothing would show what it did not publish (PUB3).
    const isGranted = this.#items.every(({ grants }) => grants !== undefined);
    const ids = isGranted ? new Set(this.#items.map(({ grants = '' }) => grants)) : state.invocations.keys();
    const results = [...ids].map((id) => this.#advanceInvocation(id));
    const origin = state.request.requests[0]?.fact.redriveOf;
    if (origin !== undefined) this.#recorded ??= recordRedrive(state, origin, this.#options.ports);
    if (this.#recorded !== undefined) results.push(this.#recorded);
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
        if (result === 'settled') this.#kept?.free(id, this.#writer.state.invocations.get(id));
        if (result !== 'again') return result;
        // Rounds without a new version mean that an effect does not satisfy the machine: a defect, not a wait.
        rounds = this.#writer.state.version === version ? rounds + 1 : 0;
        if (rounds === 3) assert.fail(`${id} does not advance from ${String(this.#writer.state.invocations.get(id)?.value)}`);
      }
    } finally {
      this.#kept?.leave(id);
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
    publishResult: (run, due) =>
      publishResult(due, { ports: run.#options.ports, state: run.#writer.state, items: run.#items, published: run.#published }),
    deliverOutcome: (run, due) =>
      deliverOutcome(due, { ports: run.#options.ports, writer: run.#writer, isClaimed: run.#claimed.delete(due.request.fact.invocation) }),
    // `appendWithTries` makes the tries that were claimed. The destinations role makes all others.
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
    if (invocation.context.group?.leader !== undefined) return this.#groupRun().follow({ invocation, request, fn });
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
  #holdAttempt({ request, invocation }: Due, step: StartStep): Promise<EffectResult> {
    const { fact } = step;
    const { executions, fn, slots } = this.#options;
    const held = executions.hold({ function: this.#writer.state.name.function, invocation: fact.invocation, attempt: fact.attempt });
    const { waitsFor, group } = invocation.context;
    return fn().definition.flow === undefined && waitsFor === null && group === null
      ? this.#runAttempt(request, held, acquirePlace(slots, step))
      : this.#startInFlow({ request, invocation }, step, held);
  }

  /** Only the invocations of a debounced function have groups. */
  #groupRun(): GroupRun {
    this.#groups ??= new GroupRun(this.#options.ports, this.#writer);
    return this.#groups;
  }

  /** A debounced request waits for its group first, and its leader runs for all members (DEB1, DEB3). */
  async #startInFlow({ request, invocation }: Due, step: StartStep, held: HeldAttempt): Promise<EffectResult> {
    const { fn, slots } = this.#options;
    const { flow } = fn().definition;
    try {
      const result = await this.#groupRun().prepare({ request, invocation, flow });
      if (result !== undefined) return result;
      return await this.#runAttempt(request, held, hasLimits(flow) ? this.#acquireInFlow(request, held) : acquirePlace(slots, step));
    } finally {
      held.release();
    }
  }

  /** All requests of a message are members of one batch. The step is decided again, because the read takes time. */
  async #readBatch(batch: string): Promise<EffectResult> {
    const { name, request } = this.#writer.state;
    this.#isBatchCanceled = await this.#options.canceledBatches.isCanceledBefore(name.function, batch, request.sequence);
    return 'again';
  }

  /** In a place of this worker: appends `running`, executes, and appends the result. */
  async #runAttempt(request: AcceptedRequest, held: HeldAttempt, acquiring: Place | Promise<Place | EffectResult>): Promise<EffectResult> {
    try {
      const place = await acquiring;
      if (typeof place === 'string') return place;
      let result: ExecutionResult | undefined;
      try {
        const step = place.step ?? (await this.#decideAgain(held));
        const needsSharedSlot = place.isLocal && place.step === undefined && hasLimits(this.#options.fn().definition.flow);
        if (step === undefined || needsSharedSlot) return 'again';
        const effects = await this.#writer.propose(step.fact.invocation, [step.fact]);
        // Without the effect the fact was refused: another process was first, and the state shows its fact (EXEC1).
        if (effects?.includes('execute')) {
          place.onStarted?.();
          result = await executeAttempt(this.#options, held, this.#groups?.withEvents(request) ?? request, step);
        }
      } finally {
        this.#options.slots.release();
      }
      return result === undefined ? 'again' : await this.#appendResult(request, held.attempt, result);
    } finally {
      held.release();
    }
  }

  /** A place of this worker, and a slot that all workers share. */
  #acquireInFlow(request: AcceptedRequest, held: HeldAttempt): Promise<Place | EffectResult> {
    this.#kept ??= new KeptSlots(this.#options.ledger);
    return acquireInFlow({
      ...{ ...this.#options, clock: this.#options.ports.clock, kept: this.#kept, writer: this.#writer },
      attempt: held,
      slotOf: () => this.#sharedSlot(request, held.attempt),
      invocation: () => this.#writer.state.invocations.get(request.fact.invocation),
      propose: (fact) => this.#writer.propose(fact.invocation, [fact]),
    });
  }

  #sharedSlot(request: AcceptedRequest, attempt: number): LedgerSlot | undefined {
    const [{ flow }, { payloads }] = [this.#options.fn().definition, this.#options.ports];
    return !hasLimits(flow) ? undefined : ledgerSlotOf({ request, attempt, flow, payloads }, this.#writer.state);
  }

  /** During a wait the function may have changed, and the event may have become too old. `undefined` when the attempt cannot start any more. */
  async #decideAgain({ invocation, attempt }: HeldAttempt): Promise<StartStep | undefined> {
    const due = this.#dueOf(invocation);
    const step = due && (await this.#decide(due));
    return step?.kind === 'start' && step.fact.attempt === attempt ? step : undefined;
  }

  /** Drops the result when another attempt is the current one: the fence (EXEC2). */
  #appendResult(request: AcceptedRequest, attempt: number, result: ExecutionResult): 'again' | Promise<'again'> {
    const [{ executions }, { clock, worker, log, payloads }] = [this.#options, this.#options.ports];
    const current = this.#writer.state.invocations.get(request.fact.invocation);
    if (current?.context.attempts !== attempt) return 'again';
    const end = { at: clock.now(), decide: decideWhenFor(request, payloads), maxBytes: log.maxAppendBytes };
    const facts = executions.isAborted
      ? afterLoss(current, `worker ${worker} was stopped during attempt ${attempt}`, end)
      : afterExecution(current, result, end);
    return this.#appendEnd(request.fact.invocation, facts);
  }

  async #appendEnd(id: string, facts: readonly Fact[]): Promise<'again'> {
    const tries = claimFirstTries(facts, { writer: this.#writer, deliverer: this.#options.ports.deliverer });
    if (tries === undefined) await this.#writer.propose(id, facts);
    else if (await appendWithTries(facts, tries, this.#writer)) this.#claimed.add(id);
    if (this.#writer.state.invocations.get(id)?.context.group) this.#groupRun().noteAppended(id);
    return 'again';
  }

  #probeAttempt({ request, invocation }: Due): Promise<EffectResult> {
    const slotOf = (attempt: number): LedgerSlot | undefined => this.#sharedSlot(request, attempt);
    return probeAttempt(request, invocation, { ...this.#options, writer: this.#writer, slotOf });
  }
}
