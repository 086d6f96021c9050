import { deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import type { Condition } from '#machines/facts.ts';
import { invocationFolder } from '#machines/invocation.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import { expiresAt } from '#machines/outcome.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { History, Moment } from './history.ts';
import type { SentenceText } from './sentence.ts';
import { moment } from './words.ts';

/** How long what is under way may take before somebody should ask. */
const PATIENCE_IN_MS = 60_000;

/** What the invocation waits for at a moment, until when, and what a person can do. */
export function explainNow({ requestId, function: name }: History, moments: readonly Moment[], now: number): SentenceText[] {
  const state = moments.at(-1)?.after ?? invocationFolder.initial;
  const { value, context } = state;
  switch (value) {
    case 'initial':
      return [{ text: 'Nothing is known of it.' }];
    case 'queued':
      return waitsForWorker(name, now - (context.request?.at ?? now));
    case 'retrying':
      return waitsForTime(requestId, { dueAt: context.dueAt ?? now, endsAt: expiresAt(state, 0), now });
    case 'running':
      return runs(requestId, context, now);
    case 'succeeded':
    case 'failed':
      return tells(requestId, context, now);
    case 'notified':
      return isOver(requestId, context, now);
  }
}

function waitsForWorker(name: string, waited: number): SentenceText[] {
  const told: SentenceText[] = [{ text: `It waits for a worker with a free place, since ${formatDuration(waited)}.` }];
  if (waited < PATIENCE_IN_MS) return told;
  return [
    ...told,
    { text: `To do: see with "sequent fn get ${name}" whether the function is paused, and with "sequent doctor" whether a worker runs.` },
  ];
}

function waitsForTime(id: string, { dueAt, endsAt, now }: { dueAt: number; endsAt: number; now: number }): SentenceText[] {
  if (now < dueAt)
    return [{ rule: 'T1', text: `It waits for its next attempt, which is due in ${formatDuration(dueAt - now)}. There is nothing to do.` }];
  const late = now - dueAt;
  const told: SentenceText[] = [
    { rule: 'T1', text: `Its next attempt is due since ${formatDuration(late)}; at ${moment(endsAt)} it becomes too old.` },
  ];
  if (late < PATIENCE_IN_MS) return told;
  return [...told, { text: `To do: "sequent doctor" tells whether a scheduler and a worker run; "sequent tail" whether ${id} moves.` }];
}

function runs(id: string, { startedAt, worker, terms, attempts }: InvocationContext, now: number): SentenceText[] {
  const since = now - (startedAt ?? now);
  const timeout = terms?.timeoutInMs ?? 0;
  const told: SentenceText[] = [
    { text: `Attempt ${attempts} runs on ${worker} since ${formatDuration(since)}; it is cut after ${formatDuration(timeout)}.` },
  ];
  if (since <= timeout + PATIENCE_IN_MS) return told;
  return [
    ...told,
    {
      text: `To do: it should have been cut. "sequent doctor" tells whether a scheduler runs, which finds out that ${worker} is gone and has ${id} tried again.`,
    },
  ];
}

function tells(id: string, context: InvocationContext, now: number): SentenceText[] {
  const open = openDeliveries(context);
  if (open.length === 0) return [{ text: 'It is over; that nobody is left to be told has yet to be recorded.' }];
  return open.map(({ id: destination }) => {
    const delivery = deliveryOf(context, destination);
    if (delivery?.value !== 'backingOff') return { rule: 'D1', text: `It waits for ${destination} to be told.` };
    const { dueAt, tries, reason } = delivery.context;
    const when =
      (dueAt ?? now) > now ? `is due in ${formatDuration((dueAt ?? now) - now)}` : `is due since ${formatDuration(now - (dueAt ?? now))}`;
    return {
      rule: 'D1',
      text: `It waits for ${destination}: try ${tries + 1} ${when}. The last one failed: ${reason}. To do: mend ${destination}; ${id} needs nothing.`,
    };
  });
}

function isOver(id: string, context: InvocationContext, now: number): SentenceText[] {
  const open = openDeliveries(context);
  if (open.length > 0) return tells(id, context, now);
  const dead = Object.keys(context.deliveries).filter((one) => deliveryOf(context, one)?.value === 'dead');
  const told: SentenceText[] = dead.map((destination) => ({
    rule: 'D1',
    text: `${destination} was never told. To do: mend it, then "sequent dest dead" has it tried again.`,
  }));
  const [redrive] = context.redrives.slice(-1);
  if (redrive !== undefined) told.push({ text: `It was run again: see "sequent explain ${redrive}".` });
  else if (context.outcome?.type === 'failed') told.push({ text: advice(id, context.outcome.condition, context.request?.function ?? '') });
  if (told.length === 0) told.push({ text: 'It is over. There is nothing to do.' });
  return told;
}

function advice(id: string, condition: Condition, name: string): string {
  switch (condition) {
    case 'UnhandledInvocationError':
      return `To do: mend the code of ${name}, then "sequent redrive ${id}".`;
    case 'EventAgeExceeded':
      return `To do: find what was slow or paused ("sequent doctor"), or let ${name} wait longer; then "sequent redrive ${id}".`;
    case 'FunctionNotFound':
      return `To do: configure ${name} ("sequent fn put"), then "sequent redrive ${id}".`;
    case 'PayloadTooLarge':
    case 'InvalidPayload':
    case 'InvalidRequest':
      return 'To do: whoever sent it has to send it otherwise; running it again changes nothing.';
    case 'LoopDetected':
      return 'To do: break the loop of destinations; running it again would go round again.';
    case 'InvocationCanceled':
      return `It was cancelled. If that was wrong: "sequent redrive ${id}".`;
    case 'SystemError':
      return `To do: find why the platform could not run it ("sequent doctor"), then "sequent redrive ${id}".`;
  }
}
