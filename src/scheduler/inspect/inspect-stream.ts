import type { Outcome } from '#machines/facts.ts';
import { effectsDue, type Invocation, type InvocationEffect } from '#machines/invocation.ts';
import { withDestinations } from '#machines/outcome.ts';
import { FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { type FunctionEntry, versionFor } from '#src/core/functions/entry.ts';
import { decideWhenFor } from '#src/core/functions/when/decide-when.ts';
import type { FunctionName, RequestId } from '#src/core/names/names.ts';
import { mayBeUnpublished } from '#src/core/stream/ended-without-item.ts';
import { isInvocationSettled, loadStream, requestOf, wakeTimesOf } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { OpenStream } from '#src/scheduler/open/stream-records.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';
import { completionOf } from './complete-batch.ts';
import { judgeWaiting, termsFor } from './judge-waiting.ts';
import { endOldDeliveries } from './old-deliveries.ts';
import { storeResult } from './store-result.ts';

/**
 * When to inspect the stream again at the latest. `isQueued`: only a hint for a delivery waits in the queue. `waitsFor`: the slots that its
 * invocations wait for. `isSorted`: none of its requests is due without a place in the order of its key (SLOT7).
 */
export type Inspection =
  | { kind: 'settled' }
  | { kind: 'open'; nextAt: number; isQueued: boolean; waitsFor: string | undefined; isSorted: boolean };

/**
 * Reads a stream, and performs the effects that are due in it. The scheduler decides by the log, not by its memory (E1).
 *
 * 1. An invocation that waits for an attempt: ends it when it is too old or cannot run, hints with `wake` when an attempt is due.
 * 2. A running attempt: hints with `wake`, and the woken worker asks whether the attempt's worker is alive.
 * 3. An outcome with destinations: ends the deliveries that are too old, and hints with `deliver` at the others.
 * 4. A new outcome that has no delivery yet: nothing, because the process that appended it is publishing its result (PUB3).
 * 5. An outcome without destinations: publishes the result again, because the process that appended the outcome may have died before
 *    publishing, and appends `notified`.
 */
export async function inspectStream(open: OpenStream, options: SchedulerOptions): Promise<Inspection> {
  const { log, hints, appendId, clock, name: by } = options;
  const stream = await loadStream(log, open.name, open.request);
  if (stream === undefined) return { kind: 'settled' };
  const writer = new StreamWriter({ log, state: stream, by, appendId, clock });
  const entry = options.functions.get(open.name.function) ?? (await askRegistry(open.name.function, options));
  const needs: Needs = { nextAt: Number.POSITIVE_INFINITY, wake: false, delivery: false };
  for (const [id, invocation] of stream.invocations) {
    if (isInvocationSettled(invocation) || leavesToItsAppender(invocation, needs, options)) continue;
    const fn = await findVersion(invocation, { name: open.name.function, entry, options });
    const isFirst = open.inspections === 0;
    await perform(effectsDue(invocation), id, { fn, hasFunction: entry !== undefined, isFirst, isOwn: false, writer, needs, options });
  }
  const hintId = `${open.name.stream}.${newestSequence(writer)}.${open.inspections}`;
  // A request that is still in the queue needs no wake.
  if (needs.wake && (stream.version > 0 || stream.request.sequence <= (await options.deliveredUpTo(open.name.function)))) {
    hints.wake(open.name, stream.request.sequence, hintId);
  }
  if (needs.delivery) hints.deliver(open.name, stream.request.sequence, hintId);
  if ([...writer.state.invocations.values()].every(isInvocationSettled)) return { kind: 'settled' };
  const { waitsFor } = wakeTimesOf(writer.state.invocations);
  const isSorted = [...writer.state.invocations.values()].every(hasPlace);
  return { kind: 'open', nextAt: needs.nextAt, isQueued: needs.delivery && !needs.wake, waitsFor, isSorted };
}

/** The sequence of the last message of a stream. Functions may share the id of a stream (ID1), and never share a sequence. */
function newestSequence({ state: { version, request } }: StreamWriter): number {
  return Math.max(version, request.sequence);
}

function hasPlace({ value, context: { waitsFor, dueAt, group } }: Invocation): boolean {
  return value !== 'queued' || waitsFor !== null || dueAt !== null || group !== null;
}

/** What a stream needs, collected over all its invocations. */
type Needs = { nextAt: number; wake: boolean; delivery: boolean };

/** Leaves an outcome without a started delivery to the process that appended the outcome, until the patience has passed (PUB3). */
function leavesToItsAppender({ context: { outcome, deliveries } }: Invocation, needs: Needs, options: SchedulerOptions): boolean {
  const until = (outcome?.at ?? Number.NEGATIVE_INFINITY) + options.patienceInMs;
  if (options.clock.now() >= until || Object.keys(deliveries).length > 0) return false;
  needs.nextAt = Math.min(needs.nextAt, until);
  return true;
}

type Due = {
  /** The version that the invocation runs; `undefined` when it does not exist. */
  fn: RegisteredFunction | undefined;
  hasFunction: boolean;
  /** Whether this is the first inspection since the last append to the stream. */
  isFirst: boolean;
  /** Whether the scheduler has just appended the fact that asks for the effects. Otherwise the fact was found in the log. */
  isOwn: boolean;
  /** The outcome that asks for the effects (PROP4). */
  outcome: Outcome | null;
  writer: StreamWriter;
  needs: Needs;
  options: SchedulerOptions;
};

async function perform(effects: readonly InvocationEffect[], id: string, given: Omit<Due, 'outcome'>): Promise<void> {
  const due = { ...given, outcome: given.writer.state.invocations.get(id)?.context.outcome ?? null };
  for (const effect of effects) await actions[effect](id, due);
}

/** The scheduler's action for each effect of the machine. */
const actions: Readonly<Record<InvocationEffect, (id: string, due: Due) => void | Promise<void>>> = {
  startAttempt: wakeOrEnd,
  wakeWhenDue: wakeOrEnd,
  // The woken worker asks whether the worker of the attempt is alive.
  execute: (_, { needs }) => {
    needs.wake = true;
  },
  publishResult,
  deliverOutcome,
  // `deliverOutcome` hints at the destinations role, which asks whether the process of the try is alive.
  deliver: () => {},
  sealWhenDue,
  completeWhenOver,
};

/** Seals a batch whose sender is gone (T1). */
async function sealWhenDue(id: string, due: Due): Promise<void> {
  const { writer, needs, options } = due;
  const dueAt = writer.state.invocations.get(id)?.context.dueAt ?? 0;
  const at = options.clock.now();
  if (at < dueAt) {
    needs.nextAt = Math.min(needs.nextAt, dueAt);
    return;
  }
  const effects = await writer.propose(id, [{ type: 'batch.sealed', invocation: id, at, reason: 'abandoned' }]);
  if (effects !== undefined) await perform(effects, id, { ...due, isOwn: true });
}

/** Appends the outcome of a sealed batch, once the read model knows the seal and no open member (FAN2). */
async function completeWhenOver(id: string, due: Due): Promise<void> {
  const { writer, needs, options } = due;
  const request = requestOf(writer.state, id);
  const completion = request === undefined ? undefined : await completionOf(writer.state, request, options);
  if (completion === undefined) return;
  if (completion.kind === 'open') {
    needs.nextAt = Math.min(needs.nextAt, completion.nextAt);
    return;
  }
  const effects = await writer.propose(id, completion.facts);
  if (effects !== undefined) await perform(effects, id, { ...due, isOwn: true });
}

async function wakeOrEnd(id: string, due: Due): Promise<void> {
  const { writer, fn, hasFunction, needs, options } = due;
  const invocation = writer.state.invocations.get(id);
  if (invocation === undefined) return;
  const verdict = judgeWaiting(invocation, fn, { hasFunction, now: options.clock.now() });
  if (verdict.kind !== 'end') {
    needs.nextAt = Math.min(needs.nextAt, verdict.nextAt);
    needs.wake ||= verdict.kind === 'wake';
    return;
  }
  const request = requestOf(writer.state, id);
  if (request === undefined) return;
  // The scheduler holds no key, so a `when` on an encrypted payload cannot be decided here (WHEN2).
  const effects = await writer.propose(id, [withDestinations(verdict.fact, termsFor(invocation, fn), decideWhenFor(request))]);
  // A refusal means that another process was first. It performs the effects of its own append.
  if (effects !== undefined) await perform(effects, id, { ...due, isOwn: true });
}

/** Hints at the open deliveries of an outcome, and ends those that are too old. An outcome without destinations is `notified`. */
async function deliverOutcome(id: string, { outcome, writer, needs, options }: Due): Promise<void> {
  if ((outcome?.destinations ?? []).length === 0) {
    await writer.propose(id, [{ type: 'notified', invocation: id, at: options.clock.now() }], outcome);
    return;
  }
  const nextAt = await endOldDeliveries(id, outcome, writer, options);
  needs.delivery ||= nextAt !== undefined;
  needs.nextAt = Math.min(needs.nextAt, nextAt ?? Number.POSITIVE_INFINITY);
}

/** Publishes the result of an outcome, unless the role that appended the outcome publishes or has published it (PUB3). */
async function publishResult(id: string, { writer: { state }, isOwn, isFirst, options: { tenancy, results } }: Due): Promise<void> {
  const invocation = state.invocations.get(id);
  if (invocation === undefined) return;
  if (!isOwn && invocation.context.outcome?.destinations !== undefined && !(isFirst && mayBeUnpublished(invocation))) return;
  await storeResult(state, id as RequestId, { results, tenancy }, isOwn);
}

/** The version that an invocation runs. For an open invocation the registry is asked as well, because the local copy may lag behind it. */
async function findVersion(
  { context }: Invocation,
  { name, entry, options }: { name: FunctionName; entry: FunctionEntry | undefined; options: SchedulerOptions },
): Promise<RegisteredFunction | undefined> {
  const known = versionFor(entry, context);
  if (known !== undefined || entry === undefined || context.outcome !== null) return known;
  return versionFor(await askRegistry(name, options), context);
}

/** Reads a function from the registry; `undefined` when it does not exist. */
async function askRegistry(name: FunctionName, { findFunction }: SchedulerOptions): Promise<FunctionEntry | undefined> {
  try {
    return await findFunction(name);
  } catch (error) {
    if (error instanceof FunctionNotFoundError || error instanceof InvalidInputError) return undefined;
    throw error;
  }
}
