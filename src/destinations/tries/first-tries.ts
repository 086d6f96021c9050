import type { Destination, FactOf, Outcome } from '#machines/facts.ts';
import { messageOf } from '#src/core/errors.ts';
import { deliveryIdOf } from '#src/core/names/delivery-ids.ts';
import { levelOf } from '#src/core/ports/logger.ts';
import type { ClaimedTries } from '#src/core/stream/deliverer.ts';
import { requestOf } from '#src/core/stream/stream.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { AdmittedTry, Circuits } from '#src/destinations/limits/circuits.ts';
import type { TargetLimiter } from '#src/destinations/limits/target-limiter.ts';
import type { Tries } from './tries.ts';
import type { TryOptions } from './try-options.ts';

/** First tries that a worker of this process appends together with the outcome: entry 1 of docs/architecture.md. */
export interface FirstTries {
  /** How many first tries are claimed and not finished. */
  readonly size: number;
  /** Whether the first try of a delivery is claimed and not finished. */
  has(deliveryId: string): boolean;
  /** Claims the first tries whose limit key has a free slot, and postpones those with an open circuit; `undefined` when there are none. */
  claim(outcome: Outcome, functionName: string): ClaimedTries | undefined;
}

type Options = Pick<TryOptions, 'name' | 'targets' | 'triesAtOnce' | 'logger' | 'maxDeliveryAgeInMs'> & {
  limiter: TargetLimiter;
  circuits: Circuits;
  tries: Tries;
};

/** A first try with the slot that it occupies. */
type ClaimedTry = {
  fact: FactOf<'delivery.started'>;
  deliveryId: string;
  destination: Destination;
  admitted: AdmittedTry;
  releaseSlot: () => void;
};
type Postponed = { fact: FactOf<'delivery.postponed'>; destination?: undefined };

/** How a claimed try ends: it is made, or it is given back without having been appended. */
type Endings = { make(claimed: ClaimedTry, writer: StreamWriter): void; release(claimed: ClaimedTry): void };

export function createFirstTries(options: Options): FirstTries {
  const { name, targets, triesAtOnce, logger, maxDeliveryAgeInMs, limiter, circuits, tries } = options;
  const ids = new Set<string>();
  const endings: Endings = { make: (claimed, writer) => void make(claimed, writer), release };

  function claimOne(outcome: Outcome, destination: Destination, functionName: string): ClaimedTry | Postponed | undefined {
    const { invocation, at } = outcome;
    const target = targets[destination.destination];
    if (target === undefined) return undefined;
    const key = { functionName, limitKey: target.limitKeyOf(destination) };
    const facts = { invocation, at, destination: destination.id };
    if (circuits.isOpen(key)) {
      const postponement = circuits.postpone(key, at + maxDeliveryAgeInMs);
      return { fact: { type: 'delivery.postponed', ...facts, try: 0, ...postponement } };
    }
    const releaseSlot = limiter.tryAcquire(key.limitKey, target.triesAtOnce ?? triesAtOnce);
    if (releaseSlot === undefined) return undefined;
    const admitted = circuits.admit(target, key);
    if (admitted === undefined) {
      releaseSlot();
      return undefined;
    }
    const deliveryId = deliveryIdOf(functionName, outcome, destination.id);
    ids.add(deliveryId);
    return { fact: { type: 'delivery.started', ...facts, try: 1, deliverer: name }, deliveryId, destination, admitted, releaseSlot };
  }

  function release({ deliveryId, admitted, releaseSlot }: ClaimedTry): void {
    ids.delete(deliveryId);
    admitted.end();
    releaseSlot();
  }

  async function make(claimed: ClaimedTry, writer: StreamWriter): Promise<void> {
    const id = claimed.fact.invocation;
    try {
      const invocation = writer.state.invocations.get(id);
      const request = requestOf(writer.state, id);
      if (invocation === undefined || request === undefined) return;
      const { destination, admitted } = claimed;
      await tries.make({ request, invocation, destination, number: 1 }, admitted, writer);
    } catch (error) {
      // The log names this process as the deliverer of the try. The next item of the stream finds the try, and it is made again (D1).
      logger[levelOf(error)]({ invocation: id, error: messageOf(error) }, 'the result of a first try could not be recorded');
    } finally {
      release(claimed);
    }
  }

  return {
    get size() {
      return ids.size;
    },
    has: (deliveryId) => ids.has(deliveryId),
    claim(outcome, functionName) {
      const claimed: (ClaimedTry | Postponed)[] = [];
      for (const destination of outcome.destinations ?? []) {
        const one = claimOne(outcome, destination, functionName);
        if (one !== undefined) claimed.push(one);
      }
      return claimed.length === 0 ? undefined : new ClaimedFirstTries(claimed, endings);
    },
  };
}

/** A class for the reason V6 (docs/performance.md): one is made for every outcome with destinations. */
class ClaimedFirstTries implements ClaimedTries {
  readonly facts: ClaimedTries['facts'];
  readonly #claimed: readonly ClaimedTry[];
  readonly #endings: Endings;

  constructor(claimed: readonly (ClaimedTry | Postponed)[], endings: Endings) {
    this.facts = claimed.map(({ fact }) => fact);
    this.#claimed = claimed.filter((one) => one.destination !== undefined);
    this.#endings = endings;
  }

  make(writer: StreamWriter): void {
    for (const one of this.#claimed) this.#endings.make(one, writer);
  }

  release(): void {
    for (const one of this.#claimed) this.#endings.release(one);
  }
}
