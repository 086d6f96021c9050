import type { Destination, Outcome } from '#machines/facts.ts';
import { messageOf } from '#src/core/errors.ts';
import { requestOf } from '#src/core/stream.ts';
import type { StreamWriter } from '#src/core/stream-writer.ts';
import type { BegunTries } from '#src/core/teller.ts';
import type { Places } from './places.ts';
import type { TellingOptions } from './ports.ts';
import type { Tries } from './tries.ts';

/** The first tries that begin together with their outcome. */
export interface FirstTries {
  /** How many began, and are not recorded yet. */
  readonly size: number;
  /** Begins those whose places are free. */
  begin(outcome: Outcome): BegunTries | undefined;
}

type Options = Pick<TellingOptions, 'name' | 'targets' | 'triesAtOnce' | 'logger'> & { places: Places; tries: Tries; active: Set<string> };

/** A try that began, and how it leaves its place. */
type Begun = { deliveryId: string; destination: Destination; leave: () => void };

export function createFirstTries({ name, targets, triesAtOnce, logger, places, tries, active }: Options): FirstTries {
  let size = 0;

  function enter(invocation: string, destination: Destination): Begun | undefined {
    const target = targets[destination.destination];
    const leave = target && places.enterAtOnce(target.placeOf(destination), target.triesAtOnce ?? triesAtOnce);
    if (leave === undefined) return undefined;
    const deliveryId = `${invocation}/${destination.id}`;
    active.add(deliveryId);
    size++;
    return { deliveryId, destination, leave };
  }

  function end({ deliveryId, leave }: Begun): void {
    size--;
    active.delete(deliveryId);
    leave();
  }

  async function make(id: string, begun: Begun, writer: StreamWriter): Promise<void> {
    try {
      const invocation = writer.state.invocations.get(id);
      const request = requestOf(writer.state, id);
      if (invocation === undefined || request === undefined) return;
      await tries.make({ request, invocation, destination: begun.destination, number: 1 }, writer);
      await tries.close(id, writer);
    } catch (error) {
      // The log cannot tell. It knows who made the try: it is found there, and made again (D1).
      logger.warn({ invocation: id, error: messageOf(error) }, 'what came of a first try could not be recorded');
    } finally {
      end(begun);
    }
  }

  return {
    get size() {
      return size;
    },
    begin({ invocation, at, destinations = [] }) {
      const begun = destinations.map((destination) => enter(invocation, destination)).filter((one) => one !== undefined);
      if (begun.length === 0) return undefined;
      return {
        facts: begun.map(({ destination: { id } }) => ({
          type: 'delivery.started',
          invocation,
          at,
          destination: id,
          try: 1,
          deliverer: name,
        })),
        make: (writer) => begun.forEach((one) => void make(invocation, one, writer)),
        callOff: () => begun.forEach(end),
      };
    },
  };
}
