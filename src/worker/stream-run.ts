import assert from 'node:assert/strict';
import type { Fact, FactOf } from '#machines/facts.ts';
import { effectsDue, type Invocation, type InvocationEffect } from '#machines/invocation.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { type FunctionEntry, resolveFunction, versionFor } from '#src/core/functions/entry.ts';
import { encodeEnvelope } from '#src/core/log/envelope.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { functionUrn } from '#src/core/names/tenancy.ts';
import type { Execution, ExecutionResult } from '#src/core/ports/function-host.ts';
import { combineResults, type RunResult, type StreamRun } from '#src/core/stream/active-streams.ts';
import { requestOf, type StreamState } from '#src/core/stream/stream.ts';
import { createStreamWriter, type StreamWriter } from '#src/core/stream/stream-writer.ts';
import { appendOutcome } from './append-outcome.ts';
import type { Executions } from './executions.ts';
import { afterExecution, afterLoss, type NextStep, nextStep } from './next-step.ts';
import type { WorkerPorts } from './ports.ts';
import type { Slots } from './slots.ts';

export type StreamRunOptions = {
  ports: WorkerPorts;
  fn: () => FunctionEntry;
  slots: Slots;
  executions: Executions;
};

/** An invocation as the log has it, and its request. */
type Due = { request: AcceptedRequest; invocation: Invocation };
type Performed = RunResult | 'again';

/**
 * Executes what is due in one stream, and records what came of it.
 *
 * A class, since one is made for every stream and many of them survive collections of garbage: as closures its functions were a third
 * of what survived.
 */
export class WorkerRun implements StreamRun {
  readonly #options: StreamRunOptions;
  readonly #writer: StreamWriter;
  readonly #busy = new Set<string>();
  /** The invocations whose destinations are being told from here already. */
  readonly #handedOver = new Set<string>();

  constructor(options: StreamRunOptions, state: StreamState) {
    const { log, worker, appendId, clock } = options.ports;
    this.#options = options;
    this.#writer = createStreamWriter({ log, state, by: worker, appendId, clock });
  }

  advance(): Promise<RunResult> {
    const rests = [...this.#writer.state.invocations.keys()].map((id) => this.#advanceUnlessBusy(id));
    return rests.length === 1 ? (rests[0] as Promise<RunResult>) : Promise.all(rests).then(combineResults);
  }

  async #advanceUnlessBusy(id: string): Promise<RunResult> {
    // Whoever is busy with it reports its rest.
    if (this.#busy.has(id)) return 'settled';
    this.#busy.add(id);
    try {
      for (let idle = 0; ; ) {
        const { version } = this.#writer.state;
        const rest = await this.#performDue(id);
        if (rest !== 'again') return rest;
        // Something new in the stream every time, or the effects and the machine contradict each other: a defect, and no loop.
        idle = this.#writer.state.version === version ? idle + 1 : 0;
        assert(idle < 3, `${id} does not advance from ${String(this.#writer.state.invocations.get(id)?.value)}`);
      }
    } finally {
      this.#busy.delete(id);
    }
  }

  /** What this worker does for each effect of the machine, whether its own append or one in the log asks for it. */
  static readonly #performers: Readonly<Record<InvocationEffect, (run: WorkerRun, due: Due) => Performed | Promise<Performed>>> = {
    startAttempt: (run, due) => run.#startAttempt(due),
    // A wake can be early. Then nothing is done, and the scheduler hints again.
    wakeWhenDue: (run, due) => run.#startAttempt(due),
    // An attempt of this run is executed where it is appended. One that is found in the log is another process's, or was lost.
    execute: (run, due) => run.#askOwner(due),
    publishResult: (run, due) => run.#publishResult(due),
    deliverOutcome: (run, due) => run.#deliverOutcome(due),
    // First tries are made where they are appended (`conclude`); all others are the business of the destinations role.
    deliver: () => 'settled',
  };

  #performDue(id: string): Performed | Promise<Performed> {
    const due = this.#dueOf(id);
    if (due === undefined) return 'settled';
    const effects = effectsDue(due.invocation);
    const [first] = effects;
    if (first === undefined) return 'settled';
    return effects.length === 1 ? WorkerRun.#performers[first](this, due) : this.#performEach(effects, due);
  }

  async #performEach(effects: readonly InvocationEffect[], due: Due): Promise<Performed> {
    for (const effect of effects) {
      const rest = await WorkerRun.#performers[effect](this, due);
      if (rest !== 'settled') return rest;
    }
    return 'settled';
  }

  /** Looked up again every time: after a conflict the stream may turn out to be another request's. */
  #dueOf(id: string): Due | undefined {
    const { state } = this.#writer;
    const invocation = state.invocations.get(id);
    const request = requestOf(state, id);
    return invocation === undefined || request === undefined ? undefined : { request, invocation };
  }

  /** What the terms, the pause and the age say now; `undefined` when the invocation does not wait for an attempt any more. */
  #decide({ request, invocation }: Due): NextStep | undefined | Promise<NextStep> {
    if (invocation.value !== 'queued' && invocation.value !== 'retrying') return undefined;
    const known = versionFor(this.#options.fn(), invocation.context);
    if (known !== undefined) return this.#decideBy(known, request, invocation);
    return this.#askForVersion(invocation).then((found) => this.#decideBy(found, request, invocation));
  }

  #decideBy(fn: RegisteredFunction | undefined, request: AcceptedRequest, invocation: Invocation): NextStep {
    const { worker, maxHops, maxChain, clock } = this.#options.ports;
    return nextStep({ invocation, request, fn, worker, maxHops, maxChain, now: clock.now() });
  }

  /** The local copy may be behind: the registry itself says whether there is no such version. */
  async #askForVersion(invocation: Invocation): Promise<RegisteredFunction | undefined> {
    try {
      return versionFor(await this.#options.ports.findFunction(this.#writer.state.name.function), invocation.context);
    } catch (error) {
      if (error instanceof FunctionNotFoundError) return undefined;
      throw error;
    }
  }

  #startAttempt(due: Due): Performed | Promise<Performed> {
    const step = this.#decide(due);
    return step instanceof Promise ? step.then((found) => this.#take(due, found)) : this.#take(due, step);
  }

  #take({ request }: Due, step: NextStep | undefined): Performed | Promise<Performed> {
    switch (step?.kind) {
      case undefined:
      case 'wait':
        return 'settled';
      case 'hold':
        return 'left-unacked';
      case 'settle':
        return this.#settle(request.fact.invocation, step.facts);
      case 'start':
        return this.#start(request, step);
    }
  }

  async #askOwner({ request, invocation }: Due): Promise<Performed> {
    const { executionProbe, clock } = this.#options.ports;
    const { worker, attempts } = invocation.context;
    const id = request.fact.invocation;
    if (await executionProbe.isRunning(worker ?? '', id, attempts)) return 'left-unacked';
    await this.#writer.propose(id, afterLoss(invocation, clock.now(), `worker ${worker} vanished during attempt ${attempts}`));
    return 'again';
  }

  /** `untouched` when the worker stops before the attempt began. */
  async #start(request: AcceptedRequest, decided: NextStep & { kind: 'start' }): Promise<RunResult | 'again'> {
    const { slots } = this.#options;
    let step: NextStep | undefined = decided;
    const waited = !slots.tryTake();
    if (waited && !(await slots.take())) return 'not-started';
    let ended: { fact: FactOf<'running'>; result: ExecutionResult } | undefined;
    try {
      // While it waited for a place the function may have changed, and the event become too old.
      if (waited) step = await this.#decideAgain(decided.fact.invocation);
      if (step?.kind !== 'start') return 'again';
      const { fact, fn } = step;
      const effects = await this.#writer.propose(fact.invocation, [fact]);
      // Without the effect it was refused: somebody else was first, and the log says what happened instead.
      if (effects?.includes('execute')) ended = { fact, result: await this.#execute(request, fact.attempt, fn) };
    } finally {
      slots.release();
    }
    return ended === undefined ? 'again' : this.#report(ended.fact, ended.result);
  }

  async #decideAgain(id: string): Promise<NextStep | undefined> {
    const due = this.#dueOf(id);
    return due === undefined ? undefined : await this.#decide(due);
  }

  /** The fence (E5): a state that is not our attempt's refuses whatever we report, and the result is dropped. */
  #report({ invocation: id, attempt }: FactOf<'running'>, result: ExecutionResult): 'again' | Promise<'again'> {
    const { executions, ports } = this.#options;
    const { clock, worker, log } = ports;
    const current = this.#writer.state.invocations.get(id);
    if (current?.context.attempts !== attempt) return 'again';
    const facts = executions.isAborted
      ? afterLoss(current, clock.now(), `worker ${worker} was stopped during attempt ${attempt}`)
      : afterExecution(current, result, clock.now(), log.maxAppendBytes);
    return this.#settle(id, facts);
  }

  async #settle(id: string, facts: readonly Fact[]): Promise<'again'> {
    if (await appendOutcome(facts, { writer: this.#writer, deliverer: this.#options.ports.deliverer })) this.#handedOver.add(id);
    return 'again';
  }

  async #execute({ fact, payload }: AcceptedRequest, attempt: number, decided: RegisteredFunction): Promise<ExecutionResult> {
    const { ports, slots, executions, fn } = this.#options;
    const { invocation, qualifier, traceparent } = fact;
    // It may have changed while this waited for a place.
    const { definition, version } = resolveFunction(fn(), decided.version, invocation) ?? decided;
    const execution: Execution = {
      definition,
      version,
      requestId: invocation as RequestId,
      qualifier,
      functionUrn: functionUrn(ports.tenancy, definition.name, version),
      attempt,
      payload,
      ...(traceparent === undefined ? {} : { traceparent }),
    };
    slots.begin();
    try {
      return await executions.run(invocation, attempt, (signal) => ports.host.execute(execution, signal));
    } finally {
      slots.end();
    }
  }

  async #publishResult({ request, invocation }: Due): Promise<'settled'> {
    const { results, tenancy } = this.#options.ports;
    const { outcome } = invocation.context;
    if (outcome === null) return 'settled';
    const id = request.fact.invocation as RequestId;
    await results.publish(this.#writer.state.name, id, outcome.type, encodeEnvelope(tenancy, request, invocation, results.maxBytes));
    return 'settled';
  }

  /** Passes an outcome to those who deliver it. One without destinations has nothing to deliver, and is notified. */
  #deliverOutcome({ request, invocation }: Due): 'settled' | Promise<'settled'> {
    const id = request.fact.invocation;
    if ((invocation.context.outcome?.destinations ?? []).length === 0) return this.#notify(id);
    const { deliverer, hints } = this.#options.ports;
    if (this.#handedOver.delete(id) || deliverer?.take(this.#writer.state)) return 'settled';
    const { name, request: message, version } = this.#writer.state;
    hints.deliver(name, message.sequence, `${name.stream}.${version}`, this.#writer.state);
    return 'settled';
  }

  async #notify(id: string): Promise<'settled'> {
    await this.#writer.propose(id, [{ type: 'notified', invocation: id, at: this.#options.ports.clock.now() }]);
    return 'settled';
  }
}
