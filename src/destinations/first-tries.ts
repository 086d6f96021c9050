import type { Destination, FactOf, Outcome } from '#machines/facts.ts';
import { messageOf } from '#src/core/errors.ts';
import { levelOf } from '#src/core/ports/logger.ts';
import type { ClaimedTries } from '#src/core/stream/deliverer.ts';
import { requestOf } from '#src/core/stream/stream.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { deliveryIdOf } from './delivery-request.ts';
import type { TargetLimiter } from './target-limiter.ts';
import type { Tries } from './tries.ts';
import type { TryOptions } from './try-options.ts';

/** The first tries that begin together with their outcome. */
export interface FirstTries {
  /** How many began, and are not recorded yet. */
  readonly size: number;
  /** Begins those whose places are free. */
  begin(outcome: Outcome): ClaimedTries | undefined;
}

type Options = Pick<TryOptions, 'name' | 'targets' | 'triesAtOnce' | 'logger'> & {
  limiter: TargetLimiter;
  tries: Tries;
  active: Set<string>;
};

/** A try that began, and how it leaves its place. */
type ClaimedTry = { fact: FactOf<'delivery.started'>; destination: Destination; leave: () => void };

/** What becomes of a try that began. */
type Ways = { make(begun: ClaimedTry, writer: StreamWriter): void; end(begun: ClaimedTry): void };

export function createFirstTries({ name, targets, triesAtOnce, logger, limiter, tries, active }: Options): FirstTries {
  let size = 0;
  const ways: Ways = { make: (begun, writer) => void make(begun, writer), end };

  function enter({ invocation, at }: Outcome, destination: Destination): ClaimedTry | undefined {
    const target = targets[destination.destination];
    const leave = target && limiter.enterAtOnce(target.limitKeyOf(destination), target.triesAtOnce ?? triesAtOnce);
    if (leave === undefined) return undefined;
    const fact: ClaimedTry['fact'] = { type: 'delivery.started', invocation, at, destination: destination.id, try: 1, deliverer: name };
    active.add(deliveryIdOf(invocation, destination.id));
    size++;
    return { fact, destination, leave };
  }

  function end({ fact, leave }: ClaimedTry): void {
    size--;
    active.delete(deliveryIdOf(fact.invocation, fact.destination));
    leave();
  }

  async function make(begun: ClaimedTry, writer: StreamWriter): Promise<void> {
    const id = begun.fact.invocation;
    try {
      const invocation = writer.state.invocations.get(id);
      const request = requestOf(writer.state, id);
      if (invocation === undefined || request === undefined) return;
      await tries.make({ request, invocation, destination: begun.destination, number: 1 }, writer);
    } catch (error) {
      // The log cannot tell. It knows who made the try: it is found there, and made again (D1).
      logger[levelOf(error)]({ invocation: id, error: messageOf(error) }, 'what came of a first try could not be recorded');
    } finally {
      end(begun);
    }
  }

  return {
    get size() {
      return size;
    },
    begin(outcome) {
      const begun: ClaimedTry[] = [];
      for (const destination of outcome.destinations ?? []) {
        const one = enter(outcome, destination);
        if (one !== undefined) begun.push(one);
      }
      return begun.length === 0 ? undefined : new ClaimedFirstTries(begun, ways);
    },
  };
}

/** A class, as a worker's run is one: there is one for every outcome with destinations. */
class ClaimedFirstTries implements ClaimedTries {
  readonly facts: readonly FactOf<'delivery.started'>[];
  readonly #begun: readonly ClaimedTry[];
  readonly #ways: Ways;

  constructor(begun: readonly ClaimedTry[], ways: Ways) {
    this.facts = begun.map(({ fact }) => fact);
    this.#begun = begun;
    this.#ways = ways;
  }

  make(writer: StreamWriter): void {
    for (const one of this.#begun) this.#ways.make(one, writer);
  }

  release(): void {
    for (const one of this.#begun) this.#ways.end(one);
  }
}
