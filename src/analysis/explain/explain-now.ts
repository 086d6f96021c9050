import { deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import type { FactOf } from '#machines/facts.ts';
import { invocationFolder, isBatch } from '#machines/invocation.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import type { History, Moment } from '#src/analysis/history.ts';
import { withFullStop } from '#src/analysis/phrases.ts';
import { say } from '#src/analysis/say.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { explainOpenBatch } from './explain-batch.ts';
import type { Surroundings, Wait } from './queue-waits.ts';
import type { SentenceText } from './sentence.ts';
import { whyUndelivered, whyWaiting } from './why-waiting.ts';

/** A wait that is overdue by more than this asks a person to act. */
const PATIENCE_IN_MS = 60_000;

/** What the invocation waits for at `now`, until when, and what a person can do. `around` as in `whyWaiting`. */
export function explainNow(
  { requestId, function: name }: History,
  moments: readonly Moment[],
  { now, around }: { now: number; around: Surroundings | undefined },
): SentenceText[] {
  const invocation = moments.at(-1)?.after ?? invocationFolder.initial;
  const { value, context } = invocation;
  if (isBatch(invocation) && context.outcome === null) return explainOpenBatch(invocation);
  switch (value) {
    case 'initial':
      return [{ text: say('The log holds no accepted request of this id.') }];
    case 'queued':
    case 'retrying':
      return waitInWords(moments, now, around);
    case 'running':
      return [...explainRunning(requestId, context, now), ...waitInWords(moments, now, around)];
    case 'succeeded':
    case 'failed':
      return explainDeliveries(context, now, around);
    case 'notified':
      return openDeliveries(context).length > 0 ? explainDeliveries(context, now, around) : explainNotified(requestId, name, context);
  }
}

function waitInWords(moments: readonly Moment[], now: number, around: Surroundings | undefined): SentenceText[] {
  const wait = whyWaiting(moments, now, around);
  return wait === undefined ? [] : sentencesOf(wait);
}

function sentencesOf({ text, remedy, rule }: Wait): SentenceText[] {
  const advice = remedy === undefined ? say('There is nothing to do.') : withFullStop(say('To do: {remedy}', { remedy }));
  return [{ ...(rule === undefined ? {} : { rule }), text: `${text} ${advice}` }];
}

function explainRunning(id: string, { startedAt, worker, terms, attempts }: InvocationContext, now: number): SentenceText[] {
  const took = now - (startedAt ?? now);
  const timeout = terms?.timeoutInMs ?? 0;
  const run: SentenceText = {
    text: say('Attempt {attempt} has run on {worker} for {duration}; it is stopped after {timeout}.', {
      attempt: attempts,
      worker: worker ?? '',
      duration: formatDuration(took),
      timeout: formatDuration(timeout),
    }),
  };
  if (took <= timeout + PATIENCE_IN_MS) return [run];
  const advice = say(
    'To do: it is past its timeout. "sequent doctor" shows whether a scheduler runs, which detects that {worker} is lost and retries {id}.',
    { worker: worker ?? '', id },
  );
  return [run, { text: advice }];
}

function explainDeliveries(context: InvocationContext, now: number, around: Surroundings | undefined): SentenceText[] {
  const waits = whyUndelivered(context, now, around);
  if (waits.length === 0) return [{ text: say('It has ended; the fact that every delivery is settled is not recorded yet.') }];
  return waits.flatMap(sentencesOf);
}

function explainNotified(id: string, name: string, context: InvocationContext): SentenceText[] {
  const dead = Object.keys(context.deliveries).filter((one) => deliveryOf(context, one)?.value === 'dead');
  const sentences: SentenceText[] = dead.map((destination) => ({
    rule: 'D1',
    text: say(
      '{destination} never received the outcome. To do: repair it, then "sequent dest dead redrive {id} --destination {destination}"; or "sequent dest dead dismiss {id}" with a note.',
      { destination, id },
    ),
  }));
  const [redrive] = context.redrives.slice(-1);
  if (redrive !== undefined) sentences.push({ text: say('It was redriven: see "sequent explain {id}".', { id: redrive }) });
  else if (context.outcome?.type === 'failed') sentences.push({ text: adviceFor(id, context.outcome, name) });
  return sentences.length > 0 ? sentences : [{ text: say('It is settled. There is nothing to do.') }];
}

function adviceFor(id: string, { condition, failure }: Pick<FactOf<'failed'>, 'condition' | 'failure'>, name: string): string {
  switch (condition) {
    case 'UnhandledInvocationError':
      if (failure.retryable === false)
        return say(
          'To do: {name} refuses this event, now and in a redrive: send another event, or repair what {name} accepts and then "sequent redrive {id}".',
          { name, id },
        );
      return say('To do: repair the code of {name}, then "sequent redrive {id}".', { name, id });
    case 'EventAgeExceeded':
      return say(
        'To do: find what was slow or paused ("sequent doctor"), or give {name} a greater maximum age; then "sequent redrive {id}".',
        { name, id },
      );
    case 'FunctionNotFound':
      return say('To do: configure {name} ("sequent fn put"), then "sequent redrive {id}".', { name, id });
    case 'PayloadTooLarge':
    case 'InvalidPayload':
    case 'InvalidRequest':
      return say('To do: the client has to send a valid request; a redrive fails in the same way.');
    case 'LoopDetected':
      return say('To do: remove the loop of destinations; before that, a redrive loops again.');
    case 'InvocationCanceled':
      return say('It was cancelled. If that was wrong: "sequent redrive {id}".', { id });
    case 'SystemError':
      return say('To do: find why the platform could not run it ("sequent doctor"), then "sequent redrive {id}".', { id });
  }
}
