import assert from 'node:assert/strict';
import type { FactOf } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { expiresAt } from '#machines/outcome.ts';
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

/** Executes what is due in one stream, and records what came of it. */
export function createStreamRun({ ports, state, fn, slots, executions }: StreamRunOptions): StreamRun {
  const { worker, place, log, results, hints, owners, clock, maxHops, maxChain } = ports;
  const writer: StreamWriter = createStreamWriter({ log, state, by: worker, appendId: ports.appendId });
  const busy = new Set<string>();

  async function advanceOne(id: string): Promise<Rest> {
    for (let idle = 0; ; ) {
      const { version } = writer.state;
      const invocation = writer.state.invocations.get(id);
      // Looked up again every time: after a conflict the stream may turn out to be another request's.
      const request = requestOf(writer.state, id);
      if (invocation === undefined || request === undefined) return 'done';
      const found = versionOf(invocation, fn()) ?? (await askForVersion(invocation));
      const step = nextStep({ invocation, request, fn: found, worker, maxHops, maxChain, now: clock.now() });
      const rest = await perform(step, request, invocation);
      if (rest !== 'again') return rest;
      // Something new in the stream every time, or the step and the machine contradict each other: a defect, and no loop.
      idle = writer.state.version === version ? idle + 1 : 0;
      assert(idle < 3, `${id} does not advance from ${String(invocation.value)} by "${step.kind}"`);
    }
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

  async function perform(step: NextStep, request: AcceptedRequest, invocation: Invocation): Promise<Rest | 'again'> {
    const id = request.fact.invocation;
    switch (step.kind) {
      case 'wait':
        return 'done';
      case 'hold':
        return 'elsewhere';
      case 'settle':
        await writer.propose(id, step.facts);
        return 'again';
      case 'start':
        return (await start(request, step, invocation)) ? 'again' : 'untouched';
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
  async function start(request: AcceptedRequest, step: NextStep & { kind: 'start' }, invocation: Invocation): Promise<boolean> {
    let { fact } = step;
    const waited = !slots.tryTake();
    if (waited && !(await slots.take())) return false;
    let result: ExecutionResult | undefined;
    try {
      // The time of the attempt is the moment it begins, not the moment it was queued for a place.
      if (waited) fact = { ...fact, at: clock.now() };
      // It became too old in the meantime: look again.
      if (fact.at >= expiresAt(invocation, step.maxAgeInMs)) return true;
      const effects = await writer.propose(fact.invocation, [fact]);
      // Without the effect it was refused: somebody else was first, and the log says what happened instead.
      if (effects?.includes('execute')) result = await execute(request, fact.attempt, step.fn);
    } finally {
      slots.release();
    }
    if (result !== undefined) await report(fact, result);
    return true;
  }

  /** The fence (E5): a state that is not our attempt's refuses whatever we report, and the result is dropped. */
  async function report({ invocation: id, attempt }: FactOf<'running'>, result: ExecutionResult): Promise<void> {
    const current = writer.state.invocations.get(id);
    if (current?.context.attempts !== attempt) return;
    const facts = executions.isAborted
      ? afterLoss(current, clock.now(), `worker ${worker} was stopped during attempt ${attempt}`)
      : afterExecution(current, result, clock.now(), log.maxAppendBytes);
    await writer.propose(id, facts);
  }

  function execute({ fact, payload }: AcceptedRequest, attempt: number, decided: RegisteredFunction): Promise<ExecutionResult> {
    const { invocation, qualifier, traceparent } = fact;
    // It may have changed while this waited for a place.
    const { definition, version } = resolveFunction(fn(), decided.version, invocation) ?? decided;
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
    if ((outcome.destinations ?? []).length > 0) handToDestinations();
    else await writer.propose(id, [{ type: 'notified', invocation: id, at: clock.now() }]);
  }

  function handToDestinations(): void {
    const { name, request, version } = writer.state;
    if (ports.handOver?.(writer.state)) return;
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
