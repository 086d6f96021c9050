import type { Outcome, Terms } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { failedFact, withDestinations } from '#machines/outcome.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { FunctionNotFoundError, InvalidInputError, InvocationNotFoundError, WrongStateError } from '#src/core/errors.ts';
import { decideWhenFor } from '#src/core/functions/decide-when.ts';
import { termsOf } from '#src/core/functions/definition.ts';
import { resolveFunction } from '#src/core/functions/entry.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { childIdOf, deliveryIdOf } from '#src/core/names/delivery-ids.ts';
import { type FunctionName, functionIn, splitName } from '#src/core/names/names.ts';
import { parseFunctionUrn } from '#src/core/names/urn.ts';
import type { Cancellations } from '#src/core/ports/cancellations.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import { loadStream, requestOf } from '#src/core/stream/stream.ts';
import { createStreamWriter, type StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';
import { type FindStreamOptions, findStream, type Owner } from './find-stream.ts';

export type CancelOptions = FindStreamOptions & {
  log: EventLog;
  hints: Hints;
  cancellations: Cancellations;
  clock: Clock;
  by: string;
  appendId: () => string;
  functions: Pick<FunctionRegistry, 'get'>;
  /** Opens what a `when` compares. */
  payloads?: PayloadSealer;
};

/** Cancels invocations. */
export interface Cancel {
  /**
   * Ends one invocation with the condition `InvocationCanceled`. A waiting invocation never runs; a running execution is aborted. Other
   * invocations of the same batch are not changed. Returns the ids of the cancelled invocations.
   *
   * With `recursive`, an invocation that is over does not fail the call: the invocations that its outcome started are cancelled. With
   * `function`, only an invocation of that function is cancelled.
   *
   * Throws `InvalidInputError`, `InvocationNotFoundError`, `AmbiguousIdError`, and `WrongStateError` when the invocation is over.
   */
  cancel(id: string, options?: Owner & { recursive?: boolean; reason?: string }): Promise<string[]>;
}

/** The outcome of an invocation, and whether this call appended it. */
type Ended = { outcome: Outcome; isCanceled: boolean; function: FunctionName };

export function createCancel(options: CancelOptions): Cancel {
  async function end(id: string, reason: string, owner: Owner): Promise<Ended | undefined> {
    const writer = await openWriter(id, owner, options);
    return writer === undefined ? undefined : await endIn(writer, { id, reason }, options);
  }

  async function endDescendants(id: string, ended: Ended, reason: string): Promise<string[]> {
    const canceled: string[] = [];
    const remaining = childrenOf(ended);
    for (let child = remaining.shift(); child !== undefined; child = remaining.shift()) {
      const next = await end(child.id, `${reason}, with ${id}, which led to it`, child).catch(ignoreMissing);
      if (next?.isCanceled) canceled.push(child.id);
      else if (next !== undefined) remaining.push(...childrenOf(next));
    }
    return canceled;
  }

  return {
    async cancel(id, { recursive = false, reason = 'it was cancelled', ...owner } = {}) {
      const ended = await end(id, reason, owner);
      if (ended === undefined) throw new InvocationNotFoundError({ id });
      if (ended.isCanceled) return [id];
      if (recursive) return await endDescendants(id, ended, reason);
      throw new WrongStateError({ what: `invocation ${id} is over already` });
    },
  };
}

async function endIn(
  writer: StreamWriter,
  { id, reason }: { id: string; reason: string },
  { hints, cancellations, clock, functions, payloads }: CancelOptions,
): Promise<Ended | undefined> {
  for (;;) {
    const invocation = writer.state.invocations.get(id);
    const request = requestOf(writer.state, id);
    if (invocation === undefined || request === undefined) return undefined;
    const { outcome, worker, attempts } = invocation.context;
    if (outcome !== null) return { outcome, isCanceled: false, function: writer.state.name.function };
    refuseMember(invocation);
    const terms = await termsFor(invocation, functions);
    const failed = failedFact('InvocationCanceled', { invocation, at: clock.now(), message: reason });
    const fact = withDestinations(failed, terms, decideWhenFor(request, payloads));
    // If the machine refuses, the invocation has changed meanwhile. Decide again from its new state (E3).
    if ((await writer.propose(id, [fact])) === undefined) continue;
    if (worker !== null) cancellations.announce(worker, { function: writer.state.name.function, invocation: id, attempt: attempts });
    const { name, request: message, version } = writer.state;
    if (waitsWithoutItem(invocation, clock.now())) hints.wake(name, message.sequence, `${name.stream}.${version}.canceled`);
    return { outcome: fact, isCanceled: true, function: name.function };
  }
}

/** The event of a member may be in an attempt of its leader that runs already (DEB3). */
function refuseMember({ context: { group, request } }: Invocation): void {
  const { leader } = group ?? {};
  if (leader === undefined) return;
  const by = leader.invocation;
  throw new WrongStateError({ what: `invocation ${request?.invocation} is a part of ${by}, and ends with it: cancel ${by}` });
}

/**
 * Whether no work item stands for the invocation, so that a worker must be woken to publish the result and to start the deliveries (PUB5).
 *
 * The item of another queued or running invocation is in the queue or unacknowledged, and its worker publishes the result. A worker that a
 * wake brought could publish the same result at the same time. The scheduler wakes what is due. A delayed request may still be in its queue,
 * when no worker took it; its result may then be published twice.
 */
function waitsWithoutItem({ value, context: { dueAt, waitsFor } }: Invocation, now: number): boolean {
  return (value === 'retrying' || value === 'queued') && (waitsFor !== null || (dueAt ?? 0) > now);
}

/** The terms of the invocation, or those of the function's present definition if no attempt has started. */
async function termsFor({ context }: Invocation, functions: CancelOptions['functions']): Promise<Terms | undefined> {
  const { terms, request } = context;
  if (terms !== null || request === null) return terms ?? undefined;
  try {
    const fn = resolveFunction(await functions.get(request.function), request.qualifier, request.invocation);
    return fn === undefined ? undefined : termsOf(fn, request);
  } catch (error) {
    if (error instanceof FunctionNotFoundError || error instanceof InvalidInputError) return undefined;
    throw error;
  }
}

async function openWriter(id: string, owner: Owner, options: CancelOptions): Promise<StreamWriter | undefined> {
  const { log, by, appendId, clock, findQueued } = options;
  const name = await findStream(id, owner, options);
  const [queued] = await findQueued(name.stream, name.function);
  const state = await loadStream(log, name, queued?.request);
  return state === undefined ? undefined : createStreamWriter({ log, state, by, appendId, clock });
}

/** The invocations that an outcome started. Their ids derive from the ids of its deliveries. */
function childrenOf({ outcome, function: parent }: Ended): { id: string; function: FunctionName }[] {
  return (outcome.destinations ?? []).flatMap(({ destination, param, id: one }) => {
    const name = destination === 'FunctionGraph' ? functionNamed(param, parent) : undefined;
    return name === undefined ? [] : [{ id: childIdOf(deliveryIdOf(parent, outcome, one)), function: name }];
  });
}

/** The function of a destination, which is of the project of the function before it. */
function functionNamed(param: string, parent: FunctionName): FunctionName | undefined {
  try {
    const { func_urn: urn } = JSON.parse(param) as { func_urn?: unknown };
    return functionIn(splitName(parent).project, parseFunctionUrn(String(urn)).name);
  } catch {
    // A delivery to this destination ends dead, and starts nothing.
    return undefined;
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof InvocationNotFoundError)) throw error;
}
