import { deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import type { DeliveryContext } from '#machines/delivery.ts';
import { type Invocation, invocationFolder, isBatch } from '#machines/invocation.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import { expiresAt, firstDueAt, isDelayed } from '#machines/outcome.ts';
import type { Moment } from '#src/analysis/history.ts';
import { isoTime, withFullStop } from '#src/analysis/phrases.ts';
import { say } from '#src/analysis/say.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { whyDebounced } from './explain-debounce.ts';
import { lacksPayload, latestPlatformFailures, payloadRemedy, platformInWords, platformRemedy } from './platform-failures.ts';
import { type Surroundings, type Wait, whyKeyWaits, whyNoneStarts, whyQueueWaits } from './queue-waits.ts';

/** A wait that is overdue by more than this asks a person to act. */
const PATIENCE_IN_MS = 60_000;

/**
 * Why an invocation waits at `now`; `undefined` when the invocation is settled, and while an attempt runs, unless the platform could not run
 * the attempts before: the next moment may be a wait again.
 *
 * Without `around` the answer is that of the log alone: nothing is known of the function and the roles.
 */
export function whyWaiting(moments: readonly Moment[], now: number, around?: Surroundings): Wait | undefined {
  const invocation = moments.at(-1)?.after ?? invocationFolder.initial;
  // A batch waits for its members, and not for an attempt.
  if (isBatch(invocation) && invocation.context.outcome === null) return undefined;
  switch (invocation.value) {
    case 'queued':
      return whyInGroup(invocation.context, now, around) ?? whyDeferred(invocation.context, now, around) ?? whyQueued(moments, now, around);
    case 'running':
      return whyPlatformFails(moments, now, { around, next: say('Attempt {attempt} runs', { attempt: invocation.context.attempts }) });
    case 'retrying':
      return whyDeferred(invocation.context, now, around) ?? whyRetrying(moments, now, around);
    case 'succeeded':
    case 'failed':
    case 'notified':
      return whyUndelivered(invocation.context, now, around)[0];
    default:
      return undefined;
  }
}

/** Whether the answer of `whyWaiting` depends on the function and the roles. Of an attempt that runs, only the remedy of earlier failures does. */
export function dependsOnSurroundings(moments: readonly Moment[]): boolean {
  const { value, context } = moments.at(-1)?.after ?? invocationFolder.initial;
  if (value === 'notified') return openDeliveries(context).length > 0;
  return value !== 'running' || latestPlatformFailures(moments) !== undefined;
}

/** Why a debounced invocation waits; `undefined` when it waits for no group. A group closes only while its function runs and a scheduler does. */
function whyInGroup(context: InvocationContext, now: number, around: Surroundings | undefined): Wait | undefined {
  const wait = whyDebounced(context, now, around?.slots);
  if (wait === undefined || around === undefined || context.group !== null) return wait;
  const held = around.definition === undefined || around.definition.paused ? whyQueueWaits(around) : missingScheduler(around);
  if (held === undefined) return wait;
  return { ...held, text: say('Its debounce does not end: {why}.', { why: held.text }) };
}

function whyQueued(moments: readonly Moment[], now: number, around: Surroundings | undefined): Wait {
  const invocation = moments.at(-1)?.after ?? invocationFolder.initial;
  const { request, dueAt } = invocation.context;
  if (isDelayed(invocation, now)) {
    const values = { time: isoTime(dueAt ?? now), duration: formatDuration((dueAt ?? now) - now) };
    return { kind: 'delayed', rule: 'T1', text: say('It waits until {time}: its first attempt is due in {duration}.', values) };
  }
  const waited = now - (request === null ? now : firstDueAt(request));
  const queue = around === undefined ? undefined : (whyNoneStarts(around, now) ?? (dueAt === null ? undefined : missingScheduler(around)));
  if (queue !== undefined)
    return { ...queue, text: say('It has waited for {duration}: {why}.', { duration: formatDuration(waited), why: queue.text }) };
  const wait: Wait = {
    kind: 'starting',
    text: say('It has waited for a worker with a free slot for {duration}.', { duration: formatDuration(waited) }),
  };
  if (waited < PATIENCE_IN_MS) return wait;
  const remedy = say('"sequent fn get {function}" shows whether the function is paused; "sequent doctor" shows whether a worker runs', {
    function: request?.function ?? '',
  });
  return { ...wait, remedy };
}

/** Why an attempt waits for a slot of its key or for its rate; `undefined` when it waits for none, or when something else holds it. */
function whyDeferred({ waitsFor }: InvocationContext, now: number, around: Surroundings | undefined): Wait | undefined {
  if (waitsFor === null) return undefined;
  const duration = formatDuration(Math.max(0, now - waitsFor.since));
  const { slots } = around ?? {};
  if (around === undefined || slots?.key === undefined) return whyDeferredByLog(waitsFor, duration);
  const other = around.definition === undefined || around.definition.paused ? whyQueueWaits(around) : missingScheduler(around);
  const wait = other ?? whyKeyWaits(slots);
  if (wait.kind === 'rate-used')
    return { ...wait, text: say('It has waited for its rate for {duration}: {why}.', { duration, why: wait.text }) };
  if (wait.kind === 'turn')
    return { ...wait, text: say('It has waited for its turn for {duration}: {why}.', { duration, why: wait.text }) };
  return { ...wait, text: say('It has waited for a slot for {duration}: {why}.', { duration, why: wait.text }) };
}

function whyDeferredByLog({ key, rate }: NonNullable<InvocationContext['waitsFor']>, duration: string): Wait {
  if (rate !== undefined) return { kind: 'rate-used', text: say('It has waited for its rate for {duration}.', { duration }) };
  if (key === '') return { kind: 'key-full', text: say('It has waited for a slot for {duration}.', { duration }) };
  return { kind: 'key-full', text: say('It has waited for a slot of the key "{key}" for {duration}.', { key, duration }) };
}

function whyRetrying(moments: readonly Moment[], now: number, around: Surroundings | undefined): Wait {
  const invocation = moments.at(-1)?.after as Invocation;
  const { dueAt, request } = invocation.context;
  const lateInMs = now - (dueAt ?? now);
  const queue = around === undefined ? undefined : whyQueueWaits(around);
  if (queue?.kind === 'paused') return { ...queue, text: say('It waits for its next attempt: {why}.', { why: queue.text }) };
  const end = endOf(invocation);
  const next = nextAttempt(lateInMs);
  const failing = whyPlatformFails(moments, now, { around, next });
  if (failing !== undefined) return failing;
  if (lateInMs < 0) {
    return {
      kind: 'due-later',
      rule: 'T1',
      text: say('It waits for its next attempt, which is due in {duration}.', { duration: formatDuration(-lateInMs) }),
    };
  }
  const cause = queue ?? missingScheduler(around);
  if (cause !== undefined) return { ...cause, rule: 'T1', text: say('{next}, because {why}; {end}.', { next, why: cause.text, end }) };
  const wait: Wait = { kind: 'overdue', rule: 'T1', text: say('{next}; {end}.', { next, end }) };
  if (lateInMs < PATIENCE_IN_MS) return wait;
  const remedy = say('"sequent doctor" shows whether a scheduler and a worker run; "sequent tail" shows whether {id} makes progress', {
    id: request?.invocation ?? '',
  });
  return { ...wait, remedy };
}

type FailingAround = { around: Surroundings | undefined; next: string };

/** The platform could not run the last attempts; `undefined` when the last attempt failed for another reason. */
function whyPlatformFails(moments: readonly Moment[], now: number, { around, next }: FailingAround): Wait | undefined {
  const failing = platformInWords(moments, now);
  if (failing === undefined) return undefined;
  const invocation = moments.at(-1)?.after as Invocation;
  const name = around?.name ?? invocation.context.request?.function ?? '';
  const remedy = lacksPayload(moments) ? payloadRemedy(name) : platformRemedy(name, around?.definition?.handler);
  return { kind: 'platform-failing', rule: 'T1', text: say('{failing} {next}; {end}.', { failing, next, end: endOf(invocation) }), remedy };
}

function endOf(invocation: Invocation): string {
  return say('at {time} it reaches its maximum age', { time: isoTime(expiresAt(invocation, 0)) });
}

function nextAttempt(lateInMs: number): string {
  if (lateInMs < 0) return say('Its next attempt is due in {duration}', { duration: formatDuration(-lateInMs) });
  return say('Its next attempt is overdue by {duration}', { duration: formatDuration(lateInMs) });
}

function missingScheduler(around: Surroundings | undefined): Wait | undefined {
  if (around === undefined || around.roles.includes('scheduler')) return undefined;
  return { kind: 'overdue', text: say('no scheduler runs'), remedy: 'sequent serve --role scheduler' };
}

/** Why each open delivery waits. */
export function whyUndelivered(context: InvocationContext, now: number, around?: Surroundings): Wait[] {
  const hasRole = around?.roles.includes('destinations') !== false;
  return openDeliveries(context).map(({ id: destination }): Wait => {
    const known = { kind: 'delivery', rule: 'D1' } as const;
    const none = hasRole ? {} : { remedy: 'sequent serve --role destinations' };
    const absent = hasRole ? '' : say(', and no destinations role runs');
    const delivery = deliveryOf(context, destination);
    if (delivery?.value !== 'backingOff')
      return { ...known, text: say('It waits for the delivery to {destination}{absent}.', { destination, absent }), ...none };
    const { text, remedy } = explainBackoff(destination, delivery.context, { now, absent, id: context.request?.invocation ?? '' });
    return { ...known, text, remedy: none.remedy ?? remedy };
  });
}

type Backoff = Pick<DeliveryContext, 'dueAt' | 'tries' | 'reason' | 'postponed'>;

function explainBackoff(
  destination: string,
  { dueAt, tries, reason, postponed }: Backoff,
  { now, absent, id }: { now: number; absent: string; id: string },
): { text: string; remedy: string } {
  const late = now - (dueAt ?? now);
  const values = { destination, try: tries + 1, duration: formatDuration(Math.abs(late)), absent };
  const when =
    late < 0
      ? say('It waits for the delivery to {destination}: try {try} is due in {duration}{absent}.', values)
      : say('It waits for the delivery to {destination}: try {try} is overdue by {duration}{absent}.', values);
  const why =
    postponed === null ? say('The last try failed: {reason}', { reason: reason ?? '' }) : say('It waits: {reason}', { reason: postponed });
  return {
    text: say('{when} {why}', { when, why: withFullStop(why) }),
    remedy: say('repair {destination}; {id} itself needs no action', { destination, id }),
  };
}
