import assert from 'node:assert/strict';
import type { Fact, FactOf } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { encodeEnvelope } from '#src/core/envelope.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import type { AcceptedRequest } from '#src/core/event-log.ts';
import type { RegisteredFunction } from '#src/core/function-definition.ts';
import { type FunctionEntry, resolveFunction, versionFor } from '#src/core/function-entry.ts';
import type { Execution, ExecutionResult } from '#src/core/function-host.ts';
import type { RequestId } from '#src/core/names.ts';
import { requestOf, type StreamState } from '#src/core/stream.ts';
import { type Rest, restOf, type StreamRun } from '#src/core/stream-hands.ts';
import { createStreamWriter, type StreamWriter } from '#src/core/stream-writer.ts';
import { functionUrn } from '#src/core/tenancy.ts';
import { conclude } from './conclude.ts';
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

/** What the log asks for next, and of which request. */
type Decision = { request: AcceptedRequest; invocation: Invocation; step: NextStep };

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

  advance(): Promise<Rest> {
    const rests = [...this.#writer.state.invocations.keys()].map((id) => this.#advanceUnlessBusy(id));
    return rests.length === 1 ? (rests[0] as Promise<Rest>) : Promise.all(rests).then(restOf);
  }

  async #advanceUnlessBusy(id: string): Promise<Rest> {
    // Whoever is busy with it reports its rest.
    if (this.#busy.has(id)) return 'done';
    this.#busy.add(id);
    try {
      for (let idle = 0; ; ) {
        const { version } = this.#writer.state;
        const decision = await this.#decide(id);
        if (decision === undefined) return 'done';
        const rest = await this.#perform(decision);
        if (rest !== 'again') return rest;
        // Something new in the stream every time, or the step and the machine contradict each other: a defect, and no loop.
        idle = this.#writer.state.version === version ? idle + 1 : 0;
        assert(idle < 3, `${id} does not advance from ${String(decision.invocation.value)} by "${decision.step.kind}"`);
      }
    } finally {
      this.#busy.delete(id);
    }
  }

  /** What the log asks for now. Looked up again every time: after a conflict the stream may turn out to be another request's. */
  #decide(id: string): Decision | undefined | Promise<Decision> {
    const { state } = this.#writer;
    const invocation = state.invocations.get(id);
    const request = requestOf(state, id);
    if (invocation === undefined || request === undefined) return undefined;
    const known = versionFor(this.#options.fn(), invocation.context);
    if (known !== undefined) return this.#decideBy(known, request, invocation);
    return this.#askForVersion(invocation).then((found) => this.#decideBy(found, request, invocation));
  }

  #decideBy(fn: RegisteredFunction | undefined, request: AcceptedRequest, invocation: Invocation): Decision {
    const { worker, maxHops, maxChain, clock } = this.#options.ports;
    return { request, invocation, step: nextStep({ invocation, request, fn, worker, maxHops, maxChain, now: clock.now() }) };
  }

  /** The local copy may be behind: the registry itself says whether there is no such version. */
  async #askForVersion(invocation: Invocation): Promise<RegisteredFunction | undefined> {
    if (invocation.value !== 'queued' && invocation.value !== 'retrying') return undefined;
    try {
      return versionFor(await this.#options.ports.findFunction(this.#writer.state.name.function), invocation.context);
    } catch (error) {
      if (error instanceof FunctionNotFoundError) return undefined;
      throw error;
    }
  }

  #perform({ step, request, invocation }: Decision): Rest | Promise<Rest | 'again'> {
    switch (step.kind) {
      case 'wait':
        return 'done';
      case 'hold':
        return 'elsewhere';
      case 'settle':
        return this.#settle(request.fact.invocation, step.facts);
      case 'start':
        return this.#start(request, step);
      case 'askOwner':
        return this.#askOwner(invocation, request.fact.invocation, step);
      case 'tell':
        return this.#tell(request, step.isNotified);
    }
  }

  async #askOwner(invocation: Invocation, id: string, { worker, attempt }: NextStep & { kind: 'askOwner' }): Promise<Rest | 'again'> {
    const { owners, clock } = this.#options.ports;
    if (await owners.isRunning(worker, id, attempt)) return 'elsewhere';
    await this.#writer.propose(id, afterLoss(invocation, clock.now(), `worker ${worker} vanished during attempt ${attempt}`));
    return 'again';
  }

  /** `untouched` when the worker stops before the attempt began. */
  async #start(request: AcceptedRequest, decided: NextStep & { kind: 'start' }): Promise<Rest | 'again'> {
    const { slots } = this.#options;
    let step: NextStep | undefined = decided;
    const waited = !slots.tryTake();
    if (waited && !(await slots.take())) return 'untouched';
    let ended: { fact: FactOf<'running'>; result: ExecutionResult } | undefined;
    try {
      // While it waited for a place the function may have changed, and the event become too old.
      if (waited) step = (await this.#decide(decided.fact.invocation))?.step;
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
    if (await conclude(facts, { writer: this.#writer, teller: this.#options.ports.teller })) this.#handedOver.add(id);
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
      functionUrn: functionUrn(ports.place, definition.name, version),
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

  /** Publishes the result, again if need be, and hands the outcome to those who tell the destinations. */
  async #tell(request: AcceptedRequest, isNotified: boolean): Promise<'done'> {
    const { results, place, clock } = this.#options.ports;
    const id = request.fact.invocation;
    const { name, invocations } = this.#writer.state;
    const invocation = invocations.get(id);
    const outcome = invocation?.context.outcome;
    if (invocation === undefined || outcome === undefined || outcome === null) return 'done';
    await results.publish(name, id as RequestId, outcome.type, encodeEnvelope(place, request, invocation, results.maxBytes));
    if (isNotified) return 'done';
    if ((outcome.destinations ?? []).length > 0) this.#handToDestinations(id);
    else await this.#writer.propose(id, [{ type: 'notified', invocation: id, at: clock.now() }]);
    return 'done';
  }

  #handToDestinations(id: string): void {
    const { teller, hints } = this.#options.ports;
    if (this.#handedOver.delete(id) || teller?.take(this.#writer.state)) return;
    const { name, request, version } = this.#writer.state;
    hints.deliver(name, request.sequence, `${name.stream}.${version}`, this.#writer.state);
  }
}
