import { type Condition, type Fact, type FactOf, type Failure, MAX_PAYLOAD_BYTES, type Terms } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { type DecideWhen, expiredFact, expiresAt, failedFact, isDelayed, outcomeFacts } from '#machines/outcome.ts';
import { afterFailure } from '#machines/retry.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { bytesBeforeSealing } from '#src/core/encryption/sealed-text.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import { type RegisteredFunction, termsOf } from '#src/core/functions/definition.ts';
import { missingVersion, versionFor } from '#src/core/functions/entry.ts';
import { decideWhenFor } from '#src/core/functions/when/decide-when.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import type { WorkerPorts } from '#src/worker/ports.ts';

/** What a worker does next with an invocation that waits for an attempt. */
export type NextStep =
  /** Append these facts, which end the invocation. */
  | { kind: 'end'; facts: readonly Fact[] }
  /** Acquire a slot, append this fact, execute. */
  | { kind: 'start'; fact: FactOf<'running'>; fn: RegisteredFunction }
  /** The retry, or the delayed request, is not due. The scheduler wakes the stream when it is. */
  | { kind: 'not-due' }
  /** The function is paused. The item stays in the queue. */
  | { kind: 'paused' };
export type StartStep = NextStep & { kind: 'start' };

type Bounds = {
  maxHops: number;
  maxChain: number;
  emptyPayload?: 'json' | 'refuse' | undefined;
  payloads?: PayloadSealer | undefined;
  /** Whether the batch of the request was cancelled before the log accepted the request (FAN4). */
  isBatchCanceled?: boolean | undefined;
};
type Situation = Bounds & {
  invocation: Invocation;
  request: AcceptedRequest;
  /** The version that the invocation runs; `undefined` when that version or alias does not exist. */
  fn: RegisteredFunction | undefined;
  worker: string;
  now: number;
};

/** Decides by the log, the definition and the time. Performs nothing. */
export function nextStep(situation: Situation): NextStep {
  const { invocation, request, fn, worker, now } = situation;
  const { context } = invocation;
  const refusal = refuse(situation);
  // The function may be configured until the request is due.
  if (refusal === undefined && isDelayed(invocation, now)) return { kind: 'not-due' };
  const terms = context.terms ?? (fn === undefined ? undefined : termsOf(fn, request.fact));
  if (refusal !== undefined || fn === undefined || terms === undefined) {
    const { condition, message } = refusal ?? unknownVersion(invocation);
    return endBy(failedFact(condition, { message, invocation, at: now }), terms, situation);
  }
  if (now >= expiresAt(invocation, terms.maxAgeInMs)) return endBy(expiredFact(invocation, now, terms.maxAgeInMs), terms, situation);
  if (now < (context.dueAt ?? 0)) return { kind: 'not-due' };
  if (fn.definition.paused) return { kind: 'paused' };
  const id = request.fact.invocation;
  const attempt = context.attempts + 1;
  const fact: FactOf<'running'> = { type: 'running', invocation: id, at: now, attempt, worker };
  if (attempt === 1) fact.terms = terms;
  return { kind: 'start', fact, fn };
}

function endBy(fact: FactOf<'failed'>, terms: Terms | undefined, { request, payloads }: Pick<Situation, 'request' | 'payloads'>): NextStep {
  return { kind: 'end', facts: outcomeFacts(fact, terms, decideWhenFor(request, payloads)) };
}

function unknownVersion({ context }: Invocation): { condition: Condition; message: string } {
  return { condition: 'FunctionNotFound', message: missingVersion(context) };
}

/** Why a request can never run; `undefined` when it can. */
function refuse({
  request,
  maxHops,
  maxChain,
  emptyPayload,
  payloads,
  isBatchCanceled,
}: Situation): { condition: Condition; message: string } | undefined {
  const { fact, defect, payload } = request;
  const refusal = defect ?? payloads?.refusalOf(request);
  if (refusal !== undefined) return refusal;
  if (emptyPayload === 'refuse' && payload === '')
    return { condition: 'InvalidPayload', message: 'the payload is empty; it must be the event as JSON, such as {}' };
  if (isBatchCanceled)
    return { condition: 'InvocationCanceled', message: `the batch ${fact.batch} was cancelled before this member was accepted` };
  const { lineage } = fact;
  if (lineage === undefined || (lineage.hop <= maxHops && (lineage.budget ?? 0) >= 0)) return undefined;
  const bound = lineage.hop > maxHops ? `${maxHops} hops` : `${maxChain} invocations`;
  return { condition: 'LoopDetected', message: `the chain of destinations that began with ${lineage.root} has more than ${bound}` };
}

type End = { at: number; decide: DecideWhen };

/** The facts that follow an execution. `maxBytes` is the maximum size of one append. */
export function afterExecution(
  invocation: Invocation,
  result: ExecutionResult,
  { at, maxBytes, decide }: End & { maxBytes: number },
): readonly Fact[] {
  const { output, storedOutput, memoryUsedInMb } = result;
  const terms = invocation.context.terms ?? undefined;
  if (result.kind === 'failed')
    return outcomeFacts(afterFailure(invocation, { failure: result.failure, output, storedOutput, memoryUsedInMb, at }), terms, decide);
  const bytes = sizeOfValue(result.payload, result.droppedBytes);
  const isTooLarge = result.droppedBytes !== undefined || isTooLargeFor(maxBytes, result.payload, bytes);
  const { request, attempts } = invocation.context;
  const succeeded: FactOf<'succeeded'> = {
    type: 'succeeded',
    invocation: request?.invocation ?? '',
    at,
    attempt: attempts,
    // An empty value replaces a value that is too large (SRC9), and the fact records its size.
    payload: isTooLarge ? '' : result.payload,
  };
  // Set one by one, because V8 copies the fields of an object slowly.
  if (isTooLarge) succeeded.droppedBytes = bytes;
  if (result.stored !== undefined) {
    succeeded.droppedBytes = result.stored.bytes;
    succeeded.stored = result.stored.reference;
  }
  if (output !== undefined) succeeded.output = output;
  if (storedOutput !== undefined) succeeded.storedOutput = storedOutput;
  if (memoryUsedInMb !== undefined) succeeded.memoryUsedInMb = memoryUsedInMb;
  return outcomeFacts(succeeded, terms, decide);
}

function sizeOfValue(payload: string, droppedBytes: number | undefined): number {
  return droppedBytes ?? (payload.length * 3 > MAX_PAYLOAD_BYTES ? bytesBeforeSealing(payload) : payload.length);
}

/** Whether a value does not fit in the log: it is too large itself, or its JSON does not fit in one append. */
function isTooLargeFor(maxBytes: number, payload: string, bytes: number): boolean {
  return bytes > MAX_PAYLOAD_BYTES || (bytes * 6 > maxBytes && Buffer.byteLength(JSON.stringify(payload)) > maxBytes - 16_384);
}

/** The facts that follow when the worker of the current attempt died or stopped. */
export function afterLoss(invocation: Invocation, message: string, { at, decide }: End): readonly Fact[] {
  const failure: Failure = { kind: 'lost', errorType: 'WorkerLost', message, code: 161_901 };
  return outcomeFacts(afterFailure(invocation, { failure, at }), invocation.context.terms ?? undefined, decide);
}

/** The version that an invocation runs, asked of the registry, because the local copy may lag behind it; `undefined` when it does not exist. */
export async function findVersion(
  findFunction: WorkerPorts['findFunction'],
  name: string,
  context: Parameters<typeof versionFor>[1],
): Promise<RegisteredFunction | undefined> {
  try {
    return versionFor(await findFunction(name), context);
  } catch (error) {
    if (error instanceof FunctionNotFoundError) return undefined;
    throw error;
  }
}
