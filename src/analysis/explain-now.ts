import { deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import type { Condition } from '#machines/facts.ts';
import { invocationFolder } from '#machines/invocation.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import { expiresAt } from '#machines/outcome.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { History, Moment } from './history.ts';
import { isoTime } from './phrases.ts';
import type { SentenceText } from './sentence.ts';

/** A wait that is overdue by more than this asks a person to act. */
const PATIENCE_IN_MS = 60_000;

/** What the invocation waits for at `now`, until when, and what a person can do. */
export function explainNow({ requestId, function: name }: History, moments: readonly Moment[], now: number): SentenceText[] {
  const state = moments.at(-1)?.after ?? invocationFolder.initial;
  const { value, context } = state;
  switch (value) {
    case 'initial':
      return [{ text: 'The log holds no accepted request of this id.' }];
    case 'queued':
      return explainQueued(name, now - (context.request?.at ?? now));
    case 'retrying':
      return explainRetrying(requestId, { dueAt: context.dueAt ?? now, endsAt: expiresAt(state, 0), now });
    case 'running':
      return explainRunning(requestId, context, now);
    case 'succeeded':
    case 'failed':
      return explainDeliveries(requestId, context, now);
    case 'notified':
      return explainNotified(requestId, context, now);
  }
}

function explainQueued(name: string, waited: number): SentenceText[] {
  const wait: SentenceText = { text: `It has waited for a worker with a free slot for ${formatDuration(waited)}.` };
  if (waited < PATIENCE_IN_MS) return [wait];
  const advice = `To do: "sequent fn get ${name}" shows whether the function is paused; "sequent doctor" shows whether a worker runs.`;
  return [wait, { text: advice }];
}

function explainRetrying(id: string, { dueAt, endsAt, now }: { dueAt: number; endsAt: number; now: number }): SentenceText[] {
  if (now < dueAt) {
    return [{ rule: 'T1', text: `It waits for its next attempt, which is due in ${formatDuration(dueAt - now)}. There is nothing to do.` }];
  }
  const late = now - dueAt;
  const wait: SentenceText = {
    rule: 'T1',
    text: `Its next attempt is overdue by ${formatDuration(late)}; at ${isoTime(endsAt)} it reaches its maximum age.`,
  };
  if (late < PATIENCE_IN_MS) return [wait];
  const advice = `To do: "sequent doctor" shows whether a scheduler and a worker run; "sequent tail" shows whether ${id} makes progress.`;
  return [wait, { text: advice }];
}

function explainRunning(id: string, { startedAt, worker, terms, attempts }: InvocationContext, now: number): SentenceText[] {
  const took = now - (startedAt ?? now);
  const timeout = terms?.timeoutInMs ?? 0;
  const run: SentenceText = {
    text: `Attempt ${attempts} has run on ${worker} for ${formatDuration(took)}; it is stopped after ${formatDuration(timeout)}.`,
  };
  if (took <= timeout + PATIENCE_IN_MS) return [run];
  const advice = `To do: it is past its timeout. "sequent doctor" shows whether a scheduler runs, which detects that ${worker} is lost and retries ${id}.`;
  return [run, { text: advice }];
}

function explainDeliveries(id: string, context: InvocationContext, now: number): SentenceText[] {
  const open = openDeliveries(context);
  if (open.length === 0) return [{ text: 'It has ended; the fact that every delivery is settled is not recorded yet.' }];
  return open.map(({ id: destination }) => {
    const delivery = deliveryOf(context, destination);
    if (delivery?.value !== 'backingOff') return { rule: 'D1', text: `It waits for the delivery to ${destination}.` };
    const { dueAt, tries, reason, postponed } = delivery.context;
    const when =
      (dueAt ?? now) > now ? `is due in ${formatDuration((dueAt ?? now) - now)}` : `is overdue by ${formatDuration(now - (dueAt ?? now))}`;
    const why = postponed === null ? `The last try failed: ${reason}` : `It waits: ${postponed}`;
    return {
      rule: 'D1',
      text: `It waits for the delivery to ${destination}: try ${tries + 1} ${when}. ${why}. To do: repair ${destination}; ${id} itself needs no action.`,
    };
  });
}

function explainNotified(id: string, context: InvocationContext, now: number): SentenceText[] {
  if (openDeliveries(context).length > 0) return explainDeliveries(id, context, now);
  const dead = Object.keys(context.deliveries).filter((one) => deliveryOf(context, one)?.value === 'dead');
  const sentences: SentenceText[] = dead.map((destination) => ({
    rule: 'D1',
    text: `${destination} never received the outcome. To do: repair it, then redrive its delivery with "sequent dest dead".`,
  }));
  const [redrive] = context.redrives.slice(-1);
  if (redrive !== undefined) sentences.push({ text: `It was redriven: see "sequent explain ${redrive}".` });
  else if (context.outcome?.type === 'failed') {
    sentences.push({ text: adviceFor(id, context.outcome.condition, context.request?.function ?? '') });
  }
  return sentences.length > 0 ? sentences : [{ text: 'It is settled. There is nothing to do.' }];
}

function adviceFor(id: string, condition: Condition, name: string): string {
  switch (condition) {
    case 'UnhandledInvocationError':
      return `To do: repair the code of ${name}, then "sequent redrive ${id}".`;
    case 'EventAgeExceeded':
      return `To do: find what was slow or paused ("sequent doctor"), or give ${name} a greater maximum age; then "sequent redrive ${id}".`;
    case 'FunctionNotFound':
      return `To do: configure ${name} ("sequent fn put"), then "sequent redrive ${id}".`;
    case 'PayloadTooLarge':
    case 'InvalidPayload':
    case 'InvalidRequest':
      return 'To do: the client has to send a valid request; a redrive fails in the same way.';
    case 'LoopDetected':
      return 'To do: remove the loop of destinations; before that, a redrive loops again.';
    case 'InvocationCanceled':
      return `It was cancelled. If that was wrong: "sequent redrive ${id}".`;
    case 'SystemError':
      return `To do: find why the platform could not run it ("sequent doctor"), then "sequent redrive ${id}".`;
  }
}
