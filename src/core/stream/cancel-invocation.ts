import type { Outcome, Terms } from '#machines/facts.ts';
import { type Invocation, isBatch } from '#machines/invocation.ts';
import { failedFact, withDestinations } from '#machines/outcome.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { FunctionNotFoundError, InvalidInputError, WrongStateError } from '#src/core/errors.ts';
import { termsOf } from '#src/core/functions/definition.ts';
import { type FunctionEntry, resolveFunction } from '#src/core/functions/entry.ts';
import { decideWhenFor } from '#src/core/functions/when/decide-when.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Cancellations } from '#src/core/ports/questions/cancellations.ts';
import type { Hints } from './hints.ts';
import { requestOf } from './stream.ts';
import type { StreamWriter } from './stream-writer.ts';

export type CancelPorts = {
  hints: Hints;
  cancellations: Cancellations;
  clock: Clock;
  /** Reads a function from the registry. Throws `FunctionNotFoundError`. */
  findFunction: (name: string) => Promise<FunctionEntry>;
  /** Opens what a `when` compares. */
  payloads?: PayloadSealer | undefined;
};

/** The outcome of an invocation, and whether this call appended it. */
export type Ended = { outcome: Outcome; isCanceled: boolean; function: FunctionName };

/**
 * Ends an invocation with the condition `InvocationCanceled`, unless the log has an outcome: that one stands (E4). Resolves to `undefined` when
 * the stream has no such invocation.
 *
 * Throws `WrongStateError` for a member of a group, which ends with its leader, and for the request that opens a batch.
 */
export async function cancelInvocation(
  writer: StreamWriter,
  { id, reason }: { id: string; reason: string },
  { hints, cancellations, clock, findFunction, payloads }: CancelPorts,
): Promise<Ended | undefined> {
  for (;;) {
    const invocation = writer.state.invocations.get(id);
    const request = requestOf(writer.state, id);
    if (invocation === undefined || request === undefined) return undefined;
    const { outcome, worker, attempts } = invocation.context;
    if (outcome !== null) return { outcome, isCanceled: false, function: writer.state.name.function };
    refuseBatch(invocation);
    refuseMember(invocation);
    const terms = await termsFor(invocation, findFunction);
    const failed = failedFact('InvocationCanceled', { invocation, at: clock.now(), message: reason });
    const fact = withDestinations(failed, terms, decideWhenFor(request, payloads));
    // The worker to abort and the wake depend on this state. If the invocation has changed meanwhile, decide again (E3, PROP5).
    if ((await writer.propose(id, [fact], outcome, (present) => present === invocation)) === undefined) continue;
    if (worker !== null) cancellations.announce(worker, { function: writer.state.name.function, invocation: id, attempt: attempts });
    const { name, request: message, version } = writer.state;
    if (waitsWithoutItem(invocation, clock.now())) hints.wake(name, message.sequence, `${name.stream}.${version}.canceled`);
    return { outcome: fact, isCanceled: true, function: name.function };
  }
}

/** A batch is cancelled by a seal, and its members one by one (FAN4). */
function refuseBatch(invocation: Invocation): void {
  if (!isBatch(invocation)) return;
  const { request } = invocation.context;
  throw new WrongStateError({ what: `${request?.invocation} opened the batch ${request?.opens?.batch}: cancel the batch` });
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
 * wake brought could publish the same result at the same time. The scheduler wakes due attempts. A delayed request may still be in its queue,
 * when no worker took it; its result may then be published twice.
 */
function waitsWithoutItem({ value, context: { dueAt, waitsFor } }: Invocation, now: number): boolean {
  return (value === 'retrying' || value === 'queued') && (waitsFor !== null || (dueAt ?? 0) > now);
}

/** The terms of the invocation, or those of the function's present definition if no attempt has started. */
async function termsFor({ context }: Invocation, findFunction: CancelPorts['findFunction']): Promise<Terms | undefined> {
  const { terms, request } = context;
  if (terms !== null || request === null) return terms ?? undefined;
  try {
    const fn = resolveFunction(await findFunction(request.function), request.qualifier, request.invocation);
    return fn === undefined ? undefined : termsOf(fn, request);
  } catch (error) {
    if (error instanceof FunctionNotFoundError || error instanceof InvalidInputError) return undefined;
    throw error;
  }
}
