import type { Condition, FactOf, Outcome, Terms } from '#machines/facts.ts';
import { effectsDue, type Invocation, type InvocationEffect } from '#machines/invocation.ts';
import { expiredFact, expiresAt, failedFact, withDestinations } from '#machines/outcome.ts';
import { FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import { type RegisteredFunction, termsOf } from '#src/core/functions/definition.ts';
import { type FunctionEntry, missingVersion, versionFor } from '#src/core/functions/entry.ts';
import { encodeEnvelope } from '#src/core/log/envelope.ts';
import { type FunctionName, quote, type RequestId } from '#src/core/names/names.ts';
import { isSettled, loadStream, requestOf } from '#src/core/stream/stream.ts';
import { createStreamWriter, type StreamWriter } from '#src/core/stream/stream-writer.ts';
import { endOldDeliveries } from './old-deliveries.ts';
import type { OpenStream } from './open-streams.ts';
import type { SchedulerOptions } from './ports.ts';

/** When to look again at the latest; never for a stream that is settled. */
export type Inspection = { kind: 'settled' } | { kind: 'open'; nextAt: number; isQueued: boolean };

/**
 * Reads the stream and does what time asks for. The log decides, not what the scheduler remembers.
 */
export async function inspectStream(open: OpenStream, options: SchedulerOptions): Promise<Inspection> {
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
    await inspectInvocation(id, invocation, {
      fn,
      hasFunction: entry !== undefined,
      isFirst: open.inspections === 0,
      writer,
      needs,
      options,
    });
  }
  const hintId = `${open.name.stream}.${writer.state.version}.${open.inspections}`;
  open.inspections++;
  // A request that still stands in the queue needs no wake.
  if (needs.wake && (stream.version > 0 || stream.request.sequence <= (await options.deliveredUpTo(open.name.function)))) {
    hints.wake(open.name, stream.request.sequence, hintId);
  }
  if (needs.delivery) hints.deliver(open.name, stream.request.sequence, hintId);
  if ([...writer.state.invocations.values()].every(isSettled)) return { kind: 'settled' };
  return { kind: 'open', nextAt: needs.nextAt, isQueued: needs.delivery && !needs.wake };
}

/** What a stream needs, after all its invocations were looked at. */
type Needs = { nextAt: number; wake: boolean; delivery: boolean };
type InspectOptions = {
  /** The version that it runs; `undefined` when there is none. */
  fn: RegisteredFunction | undefined;
  hasFunction: boolean;
  /** Nothing was done about the stream since its last append. */
  isFirst: boolean;
  writer: StreamWriter;
  needs: Needs;
  options: SchedulerOptions;
};

async function inspectInvocation(id: string, invocation: Invocation, attending: InspectOptions): Promise<void> {
  if (!isSettled(invocation)) await perform(effectsDue(invocation), id, { ...attending, isOwn: false });
}

async function perform(effects: readonly InvocationEffect[], id: string, due: Due): Promise<void> {
  for (const effect of effects) await performers[effect](id, due);
}

/** `isOwn`: the scheduler has just appended the fact that asks for the effects; otherwise they were found in the log. */
type Due = InspectOptions & { isOwn: boolean };

/** What the scheduler does for each effect of the machine. */
const performers: Readonly<Record<InvocationEffect, (id: string, due: Due) => void | Promise<void>>> = {
  startAttempt: wakeOrEnd,
  wakeWhenDue: wakeOrEnd,
  // A worker that is woken asks whether the attempt's own worker is alive.
  execute: (_, { needs }) => {
    needs.wake = true;
  },
  publishResult,
  deliverOutcome,
  // The destinations role is hinted at by `deliverOutcome`, and asks whether the try's own process is alive.
  deliver: () => {},
};

async function wakeOrEnd(id: string, due: Due): Promise<void> {
  const { writer, fn, hasFunction, needs, options } = due;
  const invocation = writer.state.invocations.get(id);
  if (invocation === undefined) return;
  const verdict = judge(invocation, fn, { hasFunction, now: options.clock.now() });
  if (verdict.kind !== 'end') {
    needs.nextAt = Math.min(needs.nextAt, verdict.nextAt);
    needs.wake ||= verdict.kind === 'wake';
    return;
  }
  const effects = await writer.propose(id, [withDestinations(verdict.fact, termsFor(invocation, fn))]);
  // Refused: another process was first, and performs the effects of its own append.
  if (effects !== undefined) await perform(effects, id, { ...due, isOwn: true });
}

function termsFor(invocation: Invocation, fn: RegisteredFunction | undefined): Terms | undefined {
  return invocation.context.terms ?? (fn === undefined ? undefined : termsOf(fn, invocation.context.request?.qualifier));
}

type Verdict = { kind: 'wake'; nextAt: number } | { kind: 'wait'; nextAt: number } | { kind: 'end'; fact: FactOf<'failed'> };

/** What the time asks for, of an invocation that waits for an attempt. */
function judge(
  invocation: Invocation,
  fn: RegisteredFunction | undefined,
  { hasFunction, now }: { hasFunction: boolean; now: number },
): Verdict {
  const { context } = invocation;
  if (fn === undefined) {
    const message = hasFunction ? missingVersion(context) : `function ${quote(context.request?.function ?? '')} does not exist`;
    return { kind: 'end', fact: failedFact('FunctionNotFound', { invocation, at: now, message }) };
  }
  const maxAgeInMs = fn.definition.policy.maxAgeInSeconds * 1_000;
  const endsAt = expiresAt(invocation, maxAgeInMs);
  if (now >= endsAt) return { kind: 'end', fact: expiredFact(invocation, now, maxAgeInMs) };
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

/** Hints at the deliveries of an outcome, and ends those that are too old. One without destinations is notified. */
async function deliverOutcome(id: string, { writer, needs, options }: Due): Promise<void> {
  const outcome = writer.state.invocations.get(id)?.context.outcome;
  if ((outcome?.destinations ?? []).length === 0) {
    await writer.propose(id, [{ type: 'notified', invocation: id, at: options.clock.now() }]);
    return;
  }
  const nextAt = await endOldDeliveries(id, writer, options);
  needs.delivery ||= nextAt !== undefined;
  needs.nextAt = Math.min(needs.nextAt, nextAt ?? Number.POSITIVE_INFINITY);
}

/** Conditions of outcomes that are appended without a work item, which a worker would hold until the result is stored. */
const endedWithoutItem: ReadonlySet<Condition> = new Set(['EventAgeExceeded', 'FunctionNotFound', 'InvocationCanceled']);

/** Publishes the result of an outcome, unless the role that appended the outcome publishes it. */
async function publishResult(id: string, { writer: { state }, isOwn, isFirst, options: { tenancy, results } }: Due): Promise<void> {
  const invocation = state.invocations.get(id);
  const request = requestOf(state, id);
  const outcome = invocation?.context.outcome;
  if (invocation === undefined || request === undefined || outcome === undefined || outcome === null) return;
  if (!isOwn && outcome.destinations !== undefined && !(isFirst && mayBeUnpublished(invocation, outcome))) return;
  await results.publish(state.name, id as RequestId, outcome.type, encodeEnvelope(tenancy, request, invocation, results.maxBytes));
}

/**
 * Whether the result of an outcome with destinations may be missing. The process that ended an invocation without a work item publishes the
 * result, or hints at it, before any delivery begins; that process may have died, and its hint may be lost.
 */
function mayBeUnpublished({ context }: Invocation, outcome: Outcome): boolean {
  const isWithoutItem = outcome.type === 'failed' && endedWithoutItem.has(outcome.condition);
  return isWithoutItem && Object.keys(context.deliveries).length === 0;
}
