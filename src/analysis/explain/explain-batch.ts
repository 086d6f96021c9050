import type { FactOf, OpensBatch } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { isoTime } from '#src/analysis/phrases.ts';
import { say } from '#src/analysis/say.ts';
import type { SentenceText } from './sentence.ts';

/** How a batch was opened. */
export function explainOpening({ at, function: name }: FactOf<'queued'>, { batch, redriveOf }: OpensBatch): SentenceText[] {
  const opened = say('The batch {batch} of {function} was opened at {time}.', { batch, function: name, time: isoTime(at) });
  if (redriveOf === undefined) return [{ text: opened }];
  return [{ text: opened }, { text: say('Its members run failed members of the batch {batch} again.', { batch: redriveOf }) }];
}

/** Why a batch was sealed. */
export function explainSeal({ reason }: FactOf<'batch.sealed'>): SentenceText[] {
  switch (reason) {
    case 'ended':
      return [{ rule: 'FAN1', text: say('The batch was sealed, because its input had ended: no further member is awaited.') }];
    case 'person':
      return [{ rule: 'FAN1', text: say('The batch was sealed by a person: no further member is awaited.') }];
    case 'canceled':
      return [
        { rule: 'FAN4', text: say('The batch was cancelled: no further member is awaited, and none that is accepted later starts.') },
      ];
    case 'abandoned':
      return [{ rule: 'T1', text: say('The batch was sealed, because nobody had sealed it in time: no further member is awaited.') }];
  }
}

/** How a batch ended. */
export function explainCompletion({ payload }: FactOf<'succeeded'>): SentenceText[] {
  return [{ rule: 'FAN2', text: say('All members were over, so the batch was completed: {counts}.', { counts: payload }) }];
}

/** What a batch without an outcome waits for. */
export function explainOpenBatch({ value, context: { request, dueAt } }: Invocation): SentenceText[] {
  const batch = request?.opens?.batch ?? '';
  if (value !== 'queued')
    return [
      {
        rule: 'FAN2',
        text: say('It waits until each of its members has an outcome: "sequent batch get {batch}" counts them.', { batch }),
      },
    ];
  const values = { batch, time: isoTime(dueAt ?? 0) };
  return [
    { rule: 'T1', text: say('It is open until {time} at the latest: its sender, or "sequent batch seal {batch}", seals it.', values) },
  ];
}
