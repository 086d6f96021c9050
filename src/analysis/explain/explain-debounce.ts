import type { Fact, FactOf } from '#machines/facts.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import { firstDueAt } from '#machines/outcome.ts';
import { isoTime } from '#src/analysis/phrases.ts';
import { say } from '#src/analysis/say.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { FlowSlots, Wait } from './queue-waits.ts';
import type { SentenceText } from './sentence.ts';

type Debounce = NonNullable<FactOf<'deferred'>['flow']['debounce']>;

/** What a request waits for that is debounced. */
export function explainDebounce({ waitInMs, maxWaitInMs, keep }: Debounce, key: string): string {
  const values = { key, wait: formatDuration(waitInMs), max: formatDuration(maxWaitInMs) };
  if (keep === 'all')
    return say('It waits to run together with the requests of the key "{key}" that follow within {wait}, for {max} at most.', values);
  return say('It waits until no request of the key "{key}" has followed for {wait}, for {max} at most: only the newest one runs.', values);
}

/** The part that a debounced request got in its group. */
export function explainPart(fact: FactOf<'debounce.closed'> | FactOf<'debounce.joined'>): SentenceText[] {
  if (fact.type === 'debounce.joined') {
    const values = { leader: fact.leader.invocation };
    return [
      {
        text:
          fact.keep === 'all'
            ? say('It runs as a part of {leader}.', values)
            : say('The later request {leader} runs in its place.', values),
      },
    ];
  }
  const values = { time: isoTime(fact.dueAt), count: fact.members.length };
  if (fact.members.length === 0) return [{ text: say('Its debounce ended at {time}: it runs alone.', values) }];
  return [
    {
      text:
        fact.keep === 'all'
          ? say('Its debounce ended at {time}: it runs with the events of {count} other requests.', values)
          : say('Its debounce ended at {time}: it runs in the place of {count} earlier requests.', values),
    },
  ];
}

/** How many requests of a key wait for their group, and when the group ends without a further one, if it is known. */
type Group = Pick<FlowSlots, 'grouped' | 'groupEndsAt'>;

/** Why a debounced request waits; `undefined` when it waits for no group. */
export function whyDebounced({ request, waitsFor, group }: InvocationContext, now: number, known: Group = {}): Wait | undefined {
  if (group?.leader !== undefined) {
    const values = { leader: group.leader.invocation };
    const text =
      group.keep === 'all'
        ? say('It waits for the outcome of {leader}, of which it is a part.', values)
        : say('The later request {leader} runs in its place.', values);
    return { kind: 'debounced', rule: 'DEB3', text };
  }
  const { debounce, key = '', since = now } = waitsFor ?? {};
  if (debounce === undefined || request === null) return undefined;
  const values = {
    key,
    duration: formatDuration(Math.max(0, now - since)),
    wait: formatDuration(debounce.waitInMs),
    time: isoTime(firstDueAt(request) + debounce.maxWaitInMs),
  };
  const { grouped: waiting, groupEndsAt } = known;
  const text =
    groupEndsAt === undefined
      ? say(
          'It has waited for {duration} for the debounce of the key "{key}", which ends {wait} after the last request, and at {time} at the latest.',
          values,
        )
      : say(
          'It has waited for {duration} for the debounce of the key "{key}", which ends {wait} after the last request: at {end} without a further one, and at {time} at the latest.',
          { ...values, end: isoTime(groupEndsAt) },
        );
  if (waiting === undefined || waiting === 0) return { kind: 'debounced', rule: 'DEB1', text };
  const counted =
    waiting === 1 ? say('{text} 1 request waits so far.', { text }) : say('{text} {count} requests wait so far.', { text, count: waiting });
  return { kind: 'debounced', rule: 'DEB1', text: counted };
}

/** The end of a member of a group; empty for any other outcome. */
export function explainEndOfMember(fact: Fact): SentenceText[] {
  if (!('leader' in fact) || typeof fact.leader !== 'string') return [];
  const { leader: id, type } = fact;
  if (type === 'failed' && fact.condition === 'InvocationCanceled') return [];
  return [{ rule: 'DEB3', text: say('It has the outcome of {id}, which ran with its event.', { id }) }];
}
