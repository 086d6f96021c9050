import type { FactOf } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { endedBy, expired, expiresAt } from '#machines/outcome.ts';
import { encodeEnvelope } from '#src/core/envelope.ts';
import { FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import type { RegisteredFunction } from '#src/core/function-definition.ts';
import { type FunctionName, quote, type RequestId } from '#src/core/names.ts';
import { loadStream, requestOf } from '#src/core/stream.ts';
import { createStreamWriter, type StreamWriter } from '#src/core/stream-writer.ts';
import type { OpenStream } from './open-streams.ts';
import type { SchedulerOptions } from './scheduler.ts';

/**
 * Reads the stream and does what time asks for. Returns when to look again at the latest, or `undefined` when the stream
 * is settled. The log decides, not what the scheduler remembers.
 */
export async function look(open: OpenStream, options: SchedulerOptions): Promise<number | undefined> {
  const { log, hints, appendId, name: by, clock } = options;
  const stream = await loadStream(log, open.name, open.request);
  if (stream === undefined) return undefined;
  const writer = createStreamWriter({ log, state: stream, by, appendId });
  const fn = await findFunction(open.name.function, options);
  let nextAt = Number.POSITIVE_INFINITY;
  let needsWake = false;
  let needsDelivery = false;
  for (const [id, invocation] of stream.invocations) {
    if (invocation.value === 'notified') continue;
    const verdict = judge(invocation, fn, clock.now());
    if ('nextAt' in verdict) nextAt = Math.min(nextAt, verdict.nextAt);
    if (verdict.kind === 'wake') needsWake = true;
    else if (verdict.kind === 'end') await end(id, verdict.fact, writer, options);
    else if (verdict.kind === 'tell') needsDelivery = (await tell(id, writer, options)) || needsDelivery;
  }
  const id = `${open.name.stream}.${writer.state.version}.${open.looks}`;
  open.looks++;
  // A request that still stands in the queue needs no wake.
  if (needsWake && (stream.version > 0 || stream.request.sequence <= (await options.handedOut(open.name.function)))) {
    await hints.wake(open.name, stream.request.sequence, id);
  }
  if (needsDelivery) await hints.deliver(open.name, stream.request.sequence, id);
  const isSettled = [...writer.state.invocations.values()].every(({ value }) => value === 'notified');
  return isSettled ? undefined : nextAt;
}

type Verdict = { kind: 'wake'; nextAt: number } | { kind: 'wait'; nextAt: number } | { kind: 'end'; fact: FactOf<'failed'> } | { kind: 'tell' };

function judge(invocation: Invocation, fn: RegisteredFunction | undefined, now: number): Verdict {
  const { value, context } = invocation;
  if (context.outcome !== null) return { kind: 'tell' };
  if (value === 'running') return { kind: 'wake', nextAt: Number.POSITIVE_INFINITY };
  if (fn === undefined) {
    const message = `function ${quote(context.request?.function ?? '')} does not exist`;
    return { kind: 'end', fact: endedBy('FunctionNotFound', { invocation, at: now, message }) };
  }
  const maxAgeInMs = fn.definition.policy.maxAgeInSeconds * 1_000;
  const endsAt = expiresAt(invocation, maxAgeInMs);
  if (now >= endsAt) return { kind: 'end', fact: expired(invocation, now, maxAgeInMs) };
  const dueAt = context.dueAt ?? 0;
  return now < dueAt ? { kind: 'wait', nextAt: Math.min(dueAt, endsAt) } : { kind: 'wake', nextAt: endsAt };
}

async function findFunction(name: FunctionName, { findFunction: find, functions }: SchedulerOptions): Promise<RegisteredFunction | undefined> {
  const known = functions.get(name);
  if (known !== undefined) return known;
  try {
    // The local copy may be behind: the registry itself says whether the function is gone.
    return await find(name);
  } catch (error) {
    if (error instanceof FunctionNotFoundError || error instanceof InvalidInputError) return undefined;
    throw error;
  }
}

async function end(id: string, fact: FactOf<'failed'>, writer: StreamWriter, options: SchedulerOptions): Promise<void> {
  const effects = await writer.propose(id, [fact]);
  if (effects?.includes('publishResult')) await tell(id, writer, options);
}

/** Publishes the result of an outcome, and records that nobody else is to be told. True when destinations are. */
async function tell(id: string, writer: StreamWriter, { place, results, clock }: SchedulerOptions): Promise<boolean> {
  const { state } = writer;
  const invocation = state.invocations.get(id);
  const request = requestOf(state, id);
  const outcome = invocation?.context.outcome;
  if (invocation === undefined || request === undefined || outcome === undefined || outcome === null) return false;
  if ((outcome.destinations ?? []).length > 0) return true;
  await results.publish(state.name, id as RequestId, outcome.type, encodeEnvelope(place, request, invocation, results.maxBytes));
  await writer.propose(id, [{ type: 'notified', invocation: id, at: clock.now() }]);
  return false;
}
