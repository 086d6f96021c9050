import type { WakeTimes } from '#src/core/log/event-log.ts';
import type { Refusal } from './refusals.ts';

/** The headers of the wake times, by their names on the wire. */
const headerOf: Record<keyof WakeTimes, string> = {
  dueAt: 'Due-At',
  endsAt: 'Ends-At',
  deliverAt: 'Deliver-At',
  inProgressSince: 'Held-Since',
  waitsFor: 'Waits-For',
};

/** Finds the defect of the headers of an append, whose facts need the wake times `needed`. */
export function whyWrongWakeTimes(found: WakeTimes, needed: WakeTimes): Refusal | undefined {
  const [has, needs] = [inWords(found), inWords(needed)];
  if (Object.keys(needed).length > 0 && Object.keys(found).length === 0) {
    return { kind: 'missing-wake-time', what: `its headers hold no time for the next inspection, but its facts need ${needs}` };
  }
  return has === needs ? undefined : { kind: 'wrong-wake-time', what: `its headers say ${has}, but its facts say ${needs}` };
}

function inWords(wakeTimes: WakeTimes): string {
  const words = (Object.keys(headerOf) as (keyof WakeTimes)[]).flatMap((key) =>
    wakeTimes[key] === undefined ? [] : [`${headerOf[key]} ${wakeTimes[key]}`],
  );
  return words.length === 0 ? 'nothing' : words.join(', ');
}
