import assert from 'node:assert/strict';
import type { Fact, FactOf } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { encodeEnvelope, functionUrn } from '#src/core/envelope.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import type { AcceptedRequest } from '#src/core/event-log.ts';
import type { RegisteredFunction } from '#src/core/function-definition.ts';
import { type FunctionEntry, qualifierOf, resolveFunction } from '#src/core/function-entry.ts';
import type { ExecutionResult } from '#src/core/function-host.ts';
import type { RequestId } from '#src/core/names.ts';
import { requestOf, type StreamState } from '#src/core/stream.ts';
import { type Rest, restOf, type StreamRun } from '#src/core/stream-hands.ts';
import { createStreamWriter, type StreamWriter } from '#src/core/stream-writer.ts';
import { conclude } from './conclude.ts';
import type { Executions } from './executions.ts';
import { afterExecution, afterLoss, type NextStep, nextStep } from './next-step.ts';
import type { WorkerPorts } from './ports.ts';
import type { Slots } from './slots.ts';

export type StreamRunOptions = {
  ports: WorkerPorts;
  state: StreamState;
  fn: () => FunctionEntry;
  slots: Slots;
  executions: Executions;
};

/** What the log asks for next, and of which request. */
type Decision = { request: AcceptedRequest; invocation: Invocation; step: NextStep };

/** Executes what is due in one stream, and records what came of it. */
export function createStreamRun({ ports, state, fn, slots, executions }: StreamRunOptions): StreamRun {
  const { worker, place, log, results, hints, owners, clock, maxHops, maxChain } = ports;
  const writer: StreamWriter = createStreamWriter({ log, state, by: worker, appendId: ports.appendId });
  const busy = new Set<string>();
  /** The invocations whose destinations are being told from here already. */
  const handedOver = new Set<string>();

  async function advanceOne(id: string): Promise<Rest> {
    for (let idle = 0; ; ) {
      const { version } = writer.state;
      const decision = await decide(id);
      if (decision === undefined) return 'done';
      const rest = await perform(decision);
      if (rest !== 'again') return rest;
      // Something new in the stream every time, or the step and the machine contradict each other: a defect, and no loop.
      idle = writer.state.version === version ? idle + 1 : 0;
      assert(idle < 3, `${id} does not advance from ${String(decision.invocation.value)} by "${decision.step.kind}"`);
    }
  }

  /** What the log asks for now. Looked up again every time: after a conflict the stream may turn out to be another request's. */
  async function decide(id: string): Promise<Decision | undefined> {
    const invocation = writer.state.invocations.get(id);
    const request = requestOf(writer.state, id);
    if (invocation === undefined || request === undefined) return undefined;
    const found = versionOf(invocation, fn()) ?? (await askForVersion(invocation));
    return { request, invocation, step: nextStep({ invocation, request, fn: found, worker, maxHops, maxChain, now: clock.now() }) };
  }

  /** The local copy may be behind: the registry itself says whether there is no such version. */
  async function askForVersion(invocation: Invocation): Promise<RegisteredFunction | undefined> {
    if (invocation.value !== 'queued' && invocation.value !== 'retrying') return undefined;
    try {
      return versionOf(invocation, await ports.findFunction(writer.state.name.function));
    } catch (error) {
      if (error instanceof FunctionNotFoundError) return undefined;
      throw error;
    }
  }

  async function perform({ step, request, invocation }: Decision): Promise<Rest | 'again'> {
    const id = request.fact.invocation;
    switch (step.kind) {
      case 'wait':
        return 'done';
      case 'hold':
        return 'elsewhere';
      case 'settle':
        await settle(id, step.facts);
        return 'again';
      case 'start':
        return (await start(request, step)) ? 'again' : 'untouched';
      case 'askOwner':
        if (await owners.isRunning(step.worker, id, step.attempt)) return 'elsewhere';
        await writer.propose(id, afterLoss(invocation, clock.now(), `worker ${step.worker} vanished during attempt ${step.attempt}`));
        return 'again';
      case 'tell':
        await tell(request, step.isNotified);
        return 'done';
    }
  }

  /** False when the worker stops before the attempt began. */
  async function start(request: AcceptedRequest, decided: NextStep & { kind: 'start' }): Promise<boolean> {
    let step: NextStep | undefined = decided;
    const waited = !slots.tryTake();
    if (waited && !(await slots.take())) return false;
    let ended: { fact: FactOf<'running'>; result: ExecutionResult } | undefined;
    try {
      // While it waited for a place the function may have changed, and the event become too old.
      if (waited) step = (await decide(decided.fact.invocation))?.step;
      if (step?.kind !== 'start') return true;
      const { fact, fn: found } = step;
      const effects = await writer.propose(fact.invocation, [fact]);
      // Without the effect it was refused: somebody else was first, and the log says what happened instead.
      if (effects?.includes('execute')) ended = { fact, result: await execute(request, fact.attempt, found).finally(slots.end) };
    } finally {
      slots.release();
    }
    if (ended !== undefined) await report(ended.fact, ended.result);
    return true;
  }

  /** The fence (E5): a state that is not our attempt's refuses whatever we report, and the result is dropped. */
  async function report({ invocation: id, attempt }: FactOf<'running'>, result: ExecutionResult): Promise<void> {
    const current = writer.state.invocations.get(id);
    if (current?.context.attempts !== attempt) return;
    const facts = executions.isAborted
      ? afterLoss(current, clock.now(), `worker ${worker} was stopped during attempt ${attempt}`)
      : afterExecution(current, result, clock.now(), log.maxAppendBytes);
    await settle(id, facts);
  }

  async function settle(id: string, facts: readonly Fact[]): Promise<void> {
    if (await conclude(facts, { writer, teller: ports.teller })) handedOver.add(id);
  }

  function execute({ fact, payload }: AcceptedRequest, attempt: number, decided: RegisteredFunction): Promise<ExecutionResult> {
    const { invocation, qualifier, traceparent } = fact;
    // It may have changed while this waited for a place.
    const { definition, version } = resolveFunction(fn(), decided.version, invocation) ?? decided;
    slots.begin();
    return executions.run(invocation, attempt, (signal) =>
      ports.host.execute(
        {
          definition,
          version,
          requestId: invocation as RequestId,
          qualifier,
          functionUrn: functionUrn(place, definition.name, version),
          attempt,
          payload,
          ...(traceparent === undefined ? {} : { traceparent }),
        },
        signal,
      ),
    );
  }

  /** Publishes the result, again if need be, and hands the outcome to those who tell the destinations. */
  async function tell(request: AcceptedRequest, isNotified: boolean): Promise<void> {
    const id = request.fact.invocation;
    const invocation = writer.state.invocations.get(id);
    const outcome = invocation?.context.outcome;
    if (invocation === undefined || outcome === undefined || outcome === null) return;
    const { name } = writer.state;
    await results.publish(name, id as RequestId, outcome.type, encodeEnvelope(place, request, invocation, results.maxBytes));
    if (isNotified) return;
    if ((outcome.destinations ?? []).length > 0) handToDestinations(id);
    else await writer.propose(id, [{ type: 'notified', invocation: id, at: clock.now() }]);
  }

  function handToDestinations(id: string): void {
    if (handedOver.delete(id) || ports.teller?.take(writer.state)) return;
    const { name, request, version } = writer.state;
    hints.deliver(name, request.sequence, `${name.stream}.${version}`, writer.state);
  }

  return {
    async advance() {
      const rests = await Promise.all(
        [...writer.state.invocations.keys()].map(async (id) => {
          // Whoever is busy with it reports its rest.
          if (busy.has(id)) return 'done';
          busy.add(id);
          try {
            return await advanceOne(id);
          } finally {
            busy.delete(id);
          }
        }),
      );
      return restOf(rests);
    },
  };
}

/** The version that the log, or else the request, asks for. */
function versionOf({ context }: Invocation, entry: FunctionEntry): RegisteredFunction | undefined {
  return resolveFunction(entry, qualifierOf(context), context.request?.invocation ?? '');
}
