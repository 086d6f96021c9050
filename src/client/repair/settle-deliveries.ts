import { deliveryOf } from '#machines/deliveries.ts';
import { type Delivery, isDead, isDeliverySettled } from '#machines/delivery.ts';
import type { DeliveryFact } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import type { Owner } from '#src/client/history/find-stream.ts';
import { InvalidInputError, WrongStateError } from '#src/core/errors.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { destinationMatches } from './failures.ts';

/** The deliveries that a person settles, and why. The log keeps the note. */
type DeliveryNote = Owner & { destination?: string | undefined; note: string };

/** The most characters of a note. */
const MAX_NOTE = 512;

/** What a person does with single deliveries. Every method throws `InvocationNotFoundError` and `AmbiguousIdError`. */
export interface DeliverySettler {
  /**
   * Redrives the dead deliveries of the invocation with this `id`, or those to one `destination`. The function does not run again. Returns the ids of the
   * destinations. Throws `InvocationNotFoundError`, and `WrongStateError` when none of these deliveries is dead.
   */
  redeliver(id: string, destination?: string, options?: Owner): Promise<string[]>;
  /**
   * Ends the open deliveries of the invocation with this `id`, or those to one destination, and dismisses them with a note. The result of a try that is in
   * progress is not recorded. Returns the ids of the destinations. Throws `WrongStateError` when none of these deliveries is open.
   */
  giveUp(id: string, options: DeliveryNote): Promise<string[]>;
  /**
   * Dismisses the dead deliveries of the invocation with this `id`, or those to one destination, with a note. They are no dead letters any more, and can
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
  destination: string | undefined;
  /** Whether the delivery is in a state that allows the facts. */
  matches: (delivery: Delivery | undefined) => boolean;
  factsOf: (fact: { invocation: string; destination: string; try: number; at: number }) => DeliveryFact[];
  /** The error when no delivery matches. */
  none: string;
};

export function createDeliverySettler({ log, hints, clock, by, appendId, open }: SettlerOptions): DeliverySettler {
  /** Appends facts about the deliveries that match, and returns the destinations whose facts the machine accepted. */
  async function settle(owner: Owner, settling: Settling): Promise<string[]> {
    const { id, none } = settling;
    const { state, invocation } = await open(id, owner);
    const writer = new StreamWriter({ log, state, by, appendId, clock });
    const settled: string[] = [];
    for (const destination of destinationsThatMatch(invocation, settling))
      if (await settleOne(writer, destination, settling)) settled.push(destination);
    if (settled.length === 0) throw new WrongStateError({ what: none });
    // The destinations role makes a redriven try, or records that every delivery is settled.
    hints.deliver(state.name, state.request.sequence, `${state.name.stream}.${writer.state.version}`);
    return settled;
  }

  async function settleOne(writer: StreamWriter, destination: string, settling: Settling): Promise<boolean> {
    const { id, factsOf } = settling;
    for (;;) {
      const invocation = writer.state.invocations.get(id);
      if (invocation === undefined || !destinationsThatMatch(invocation, settling).includes(destination)) return false;
      const tries = deliveryOf(invocation.context, destination)?.context.tries ?? 0;
      const facts = factsOf({ invocation: id, destination, try: tries, at: clock.now() });
      // If the machine refuses, the delivery has changed meanwhile. Decide again from its new state (E3).
      if ((await writer.propose(id, facts)) !== undefined) return true;
    }
  }

  const none = (id: string, destination: string | undefined, state: string): string =>
    `no delivery of ${id}${destination === undefined ? '' : ` to ${destination}`} is ${state}`;

  return {
    redeliver: (id, destination, owner = {}) =>
      settle(owner, {
        id,
        destination,
        matches: isDead,
        factsOf: (fact) => [{ type: 'delivery.redriven', ...fact }],
        none: none(id, destination, 'dead'),
      }),

    async giveUp(id, { destination, note, ...owner }) {
      const text = checkNote(note);
      return await settle(owner, {
        id,
        destination,
        matches: (delivery) => !isDeliverySettled(delivery),
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
        destination,
        matches: (delivery) => delivery?.value === 'dead',
        factsOf: (fact) => [{ type: 'delivery.dismissed', ...fact, note: text }],
        none: none(id, destination, 'dead'),
      });
    },
  };
}

/** The destinations of the present outcome whose deliveries match. */
function destinationsThatMatch({ context }: Invocation, { destination: wanted, matches }: Settling): string[] {
  const ids = (context.outcome?.destinations ?? []).map(({ id }) => id);
  return ids.filter((id) => destinationMatches(id, wanted) && matches(deliveryOf(context, id)));
}

function checkNote(note: string): string {
  const text = note.trim();
  if (text === '' || text.length > MAX_NOTE)
    throw new InvalidInputError({ field: 'the note', problem: `must have 1 to ${MAX_NOTE} characters` });
  return text;
}
