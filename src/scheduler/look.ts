import type { FactOf, Terms } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { addressed, endedBy, expired, expiresAt } from '#machines/outcome.ts';
import { encodeEnvelope } from '#src/core/envelope.ts';
import { FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import { type RegisteredFunction, termsOf } from '#src/core/function-definition.ts';
import { type FunctionEntry, missingVersion, versionFor } from '#src/core/function-entry.ts';
import { type FunctionName, quote, type RequestId } from '#src/core/names.ts';
import { isSettled, loadStream, requestOf } from '#src/core/stream.ts';
import { createStreamWriter, type StreamWriter } from '#src/core/stream-writer.ts';
import { endOldDeliveries } from './old-deliveries.ts';
import type { OpenStream } from './open-streams.ts';
import type { SchedulerOptions } from './ports.ts';

/** When to look again at the latest; never for a stream that is settled. */
export type Look = { kind: 'settled' } | { kind: 'open'; nextAt: number; isQueued: boolean };

/**
 * Reads the stream and does what time asks for. The log decides, not what the scheduler remembers.
 */
export async function look(open: OpenStream, options: SchedulerOptions): Promise<Look> {
  const { log, hints, appendId, clock, name: by } = options;
  const stream = await loadStream(log, open.name, open.request);
  if (stream === undefined) return { kind: 'settled' };
  const writer = createStreamWriter({ log, state: stream, by, appendId, clock });
  const { findFunction: find, functions } = options;
  const entry = functions.get(open.name.function) ?? (await ask(open.name.function, find));
  const needs: Needs = { nextAt: Number.POSITIVE_INFINITY, wake: false, delivery: false };
  for (const [id, invocation] of stream.invocations) {
    const isOpen = invocation.context.outcome === null;
    const known = versionFor(entry, invocation.context);
    // The local copy may be behind: the registry itself says whether there is no such version.
    const fn = known ?? (isOpen && entry !== undefined ? versionFor(await ask(open.name.function, find), invocation.context) : undefined);
    await attend(id, invocation, { fn, hasFunction: entry !== undefined, writer, needs, options });
  }
  const hintId = `${open.name.stream}.${writer.state.version}.${open.looks}`;
  open.looks++;
  // A request that still stands in the queue needs no wake.
  if (needs.wake && (stream.version > 0 || stream.request.sequence <= (await options.handedOut(open.name.function)))) {
    hints.wake(open.name, stream.request.sequence, hintId);
  }
  if (needs.delivery) hints.deliver(open.name, stream.request.sequence, hintId);
  if ([...writer.state.invocations.values()].every(isSettled)) return { kind: 'settled' };
  return { kind: 'open', nextAt: needs.nextAt, isQueued: needs.delivery && !needs.wake };
}

/** What a stream needs, after all its invocations were looked at. */
type Needs = { nextAt: number; wake: boolean; delivery: boolean };
type Attending = {
  /** The version that it runs; `undefined` when there is none. */
  fn: RegisteredFunction | undefined;
  hasFunction: boolean;
  writer: StreamWriter;
  needs: Needs;
  options: SchedulerOptions;
};

async function attend(id: string, invocation: Invocation, { fn, hasFunction, writer, needs, options }: Attending): Promise<void> {
  if (isSettled(invocation)) return;
  const verdict = judge(invocation, fn, { hasFunction, now: options.clock.now() });
  switch (verdict.kind) {
    case 'wait':
    case 'wake':
      needs.nextAt = Math.min(needs.nextAt, verdict.nextAt);
      needs.wake ||= verdict.kind === 'wake';
      return;
    case 'end':
      await writer.propose(id, [addressed(verdict.fact, termsFor(invocation, fn))]);
      // Whoever ended it, somebody must tell.
      if (writer.state.invocations.get(id)?.context.outcome?.destinations !== undefined) await publishResult(id, writer, options);
      return await tell(id, writer, { needs, options });
    case 'tell':
      return await tell(id, writer, { needs, options });
  }
}

function termsFor(invocation: Invocation, fn: RegisteredFunction | undefined): Terms | undefined {
  return invocation.context.terms ?? (fn === undefined ? undefined : termsOf(fn, invocation.context.request?.qualifier));
}

type Verdict =
  | { kind: 'wake'; nextAt: number }
  | { kind: 'wait'; nextAt: number }
  | { kind: 'end'; fact: FactOf<'failed'> }
  | { kind: 'tell' };

function judge(
  invocation: Invocation,
  fn: RegisteredFunction | undefined,
  { hasFunction, now }: { hasFunction: boolean; now: number },
): Verdict {
  const { value, context } = invocation;
  if (context.outcome !== null) return { kind: 'tell' };
  if (value === 'running') return { kind: 'wake', nextAt: Number.POSITIVE_INFINITY };
  if (fn === undefined) {
    const message = hasFunction ? missingVersion(context) : `function ${quote(context.request?.function ?? '')} does not exist`;
    return { kind: 'end', fact: endedBy('FunctionNotFound', { invocation, at: now, message }) };
  }
  const maxAgeInMs = fn.definition.policy.maxAgeInSeconds * 1_000;
  const endsAt = expiresAt(invocation, maxAgeInMs);
  if (now >= endsAt) return { kind: 'end', fact: expired(invocation, now, maxAgeInMs) };
  const dueAt = context.dueAt ?? 0;
  if (fn.definition.paused) return { kind: 'wait', nextAt: endsAt };
  return now < dueAt ? { kind: 'wait', nextAt: Math.min(dueAt, endsAt) } : { kind: 'wake', nextAt: endsAt };
}

/** The function as the registry itself has it; `undefined` when it is gone. */
async function ask(name: FunctionName, find: SchedulerOptions['findFunction']): Promise<FunctionEntry | undefined> {
  try {
    return await find(name);
  } catch (error) {
    if (error instanceof FunctionNotFoundError || error instanceof InvalidInputError) return undefined;
    throw error;
  }
}

/** Asks for the deliveries of an outcome; publishes one that has none, since whoever ended it may not have. */
async function tell(id: string, writer: StreamWriter, { needs, options }: Pick<Attending, 'needs' | 'options'>): Promise<void> {
  const outcome = writer.state.invocations.get(id)?.context.outcome;
  if (outcome === undefined || outcome === null) return;
  if ((outcome.destinations ?? []).length > 0) {
    const nextAt = await endOldDeliveries(id, writer, options);
    needs.delivery ||= nextAt !== undefined;
    needs.nextAt = Math.min(needs.nextAt, nextAt ?? Number.POSITIVE_INFINITY);
    return;
  }
  await publishResult(id, writer, options);
  await writer.propose(id, [{ type: 'notified', invocation: id, at: options.clock.now() }]);
}

async function publishResult(id: string, { state }: StreamWriter, { place, results }: SchedulerOptions): Promise<void> {
  const invocation = state.invocations.get(id);
  const request = requestOf(state, id);
  const outcome = invocation?.context.outcome;
  if (invocation === undefined || request === undefined || outcome === undefined || outcome === null) return;
  await results.publish(state.name, id as RequestId, outcome.type, encodeEnvelope(place, request, invocation, results.maxBytes));
}
