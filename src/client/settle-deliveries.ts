import { deliveryOf } from '#machines/deliveries.ts';
import { type Delivery, isDead, isSettled } from '#machines/delivery.ts';
import type { DeliveryFact } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { InvalidInputError, WrongStateError } from '#src/core/errors.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { StreamState } from '#src/core/stream/stream.ts';
import { createStreamWriter } from '#src/core/stream/stream-writer.ts';
import { destinationMatches } from './failures.ts';
import type { Owner } from './find-stream.ts';

/** The deliveries that a person settles, and why. The log keeps the note. */
type DeliveryNote = Owner & { destination?: string | undefined; note: string };

/** The most characters of a note. */
const MAX_NOTE = 512;

/** What a person does with single deliveries. Every method throws `InvocationNotFoundError` and `AmbiguousIdError`. */
export interface DeliverySettler {
  /**
   * Redrives the dead deliveries of an invocation, or those to one destination. The function does not run again. Returns the ids of the
   * destinations. Throws `InvocationNotFoundError`, and `WrongStateError` when none of these deliveries is dead.
   */
  redeliver(id: string, destination?: string, options?: Owner): Promise<string[]>;
  /**
   * Ends the open deliveries of an invocation, or those to one destination, and dismisses them with a note. The result of a try that is in
   * progress is not recorded. Returns the ids of the destinations. Throws `WrongStateError` when none of these deliveries is open.
   */
  giveUp(id: string, options: DeliveryNote): Promise<string[]>;
  /**
   * Dismisses the dead deliveries of an invocation, or those to one destination, with a note. They are no dead letters any more, and can
   * still be redriven. Throws `WrongStateError` when none of these deliveries is dead.
   */
  dismiss(id: string, options: DeliveryNote): Promise<string[]>;
}

type SettlerOptions = {
  log: EventLog;
  hints: Hints;
  clock: Clock;
  by: string;
  appendId: () => string;
  open: (id: string, owner: Owner) => Promise<{ state: StreamState; invocation: Invocation }>;
};

type Settling = {
  id: string;
  select: (invocation: Invocation) => Chosen[];
  factsOf: (fact: { invocation: string; destination: string; try: number; at: number }) => DeliveryFact[];
  /** The error when no fact is accepted. */
  none: string;
};

export function createDeliverySettler({ log, hints, clock, by, appendId, open }: SettlerOptions): DeliverySettler {
  /** Appends facts about some deliveries, and returns the destinations whose facts the machine accepted. */
  async function settle(owner: Owner, { id, select, factsOf, none }: Settling): Promise<string[]> {
    const { state, invocation } = await open(id, owner);
    const writer = createStreamWriter({ log, state, by, appendId, clock });
    const settled: string[] = [];
    for (const { destination, tries } of select(invocation)) {
      const facts = factsOf({ invocation: id, destination, try: tries, at: clock.now() });
      if ((await writer.propose(id, facts)) !== undefined) settled.push(destination);
    }
    if (settled.length === 0) throw new WrongStateError({ what: none });
    // The destinations role makes a redriven try, or records that every delivery is settled.
    hints.deliver(state.name, state.request.sequence, `${state.name.stream}.${writer.state.version}`);
    return settled;
  }
  const none = (id: string, destination: string | undefined, state: string): string =>
    `no delivery of ${id}${destination === undefined ? '' : ` to ${destination}`} is ${state}`;

  return {
    redeliver: (id, destination, owner = {}) =>
      settle(owner, {
        id,
        select: (invocation) => deliveriesOf(invocation, destination, isDead),
        factsOf: (fact) => [{ type: 'delivery.redriven', ...fact }],
        none: none(id, destination, 'dead'),
      }),

    async giveUp(id, { destination, note, ...owner }) {
      const text = checkNote(note);
      return await settle(owner, {
        id,
        select: (invocation) => deliveriesOf(invocation, destination, (delivery) => !isSettled(delivery)),
        factsOf: (fact) => [
          { type: 'delivery.dead', ...fact, reason: `given up: ${text}` },
          { type: 'delivery.dismissed', ...fact, note: text },
        ],
        none: none(id, destination, 'open'),
      });
    },

    async dismiss(id, { destination, note, ...owner }) {
      const text = checkNote(note);
      return await settle(owner, {
        id,
        select: (invocation) => deliveriesOf(invocation, destination, (delivery) => delivery?.value === 'dead'),
        factsOf: (fact) => [{ type: 'delivery.dismissed', ...fact, note: text }],
        none: none(id, destination, 'dead'),
      });
    },
  };
}

type Chosen = { destination: string; tries: number };

function deliveriesOf({ context }: Invocation, wanted: string | undefined, matches: (delivery: Delivery | undefined) => boolean): Chosen[] {
  return (context.outcome?.destinations ?? []).flatMap(({ id }) => {
    const delivery = deliveryOf(context, id);
    return matches(delivery) && destinationMatches(id, wanted) ? [{ destination: id, tries: delivery?.context.tries ?? 0 }] : [];
  });
}

function checkNote(note: string): string {
  const text = note.trim();
  if (text === '' || text.length > MAX_NOTE)
    throw new InvalidInputError({ field: 'the note', problem: `must have 1 to ${MAX_NOTE} characters` });
  return text;
}
