import { HttpError } from './http-error.ts';

/**
 * Bounds an amount that is in use at one time (requests, or bytes), shared by named callers: projects, or access keys.
 *
 * `enter` throws `HttpError` 429 when the limit is reached. Nothing was accepted then, so the caller can retry. The returned function
 * releases the amount; further calls of it do nothing.
 */
export type ConcurrencyLimit = { enter(sharer: string | undefined, amount?: number): () => void };

/**
 * Half of the capacity is guaranteed to the sharers in equal parts, which no other sharer can use. The other half is common, and one
 * sharer uses at most half of the common half. A single sharer may use the whole capacity. A changed number of sharers counts from the next
 * entry on.
 */
export function createConcurrencyLimit(capacity: number, countSharers: () => number = () => 1): ConcurrencyLimit {
  const usedBy = new Map<string, number>();
  let sharers = countSharers();
  let { guaranteed, common, max } = sharesOf(capacity, sharers);
  let commonUsed = 0;

  function shareAgain(): void {
    const counted = countSharers();
    if (counted === sharers) return;
    sharers = counted;
    ({ guaranteed, common, max } = sharesOf(capacity, sharers));
    commonUsed = [...usedBy.values()].reduce((sum, used) => sum + Math.max(0, used - guaranteed), 0);
  }

  function take(sharer: string, amount: number): void {
    const before = usedBy.get(sharer) ?? 0;
    const after = before + amount;
    const fromCommon = Math.max(0, after - guaranteed) - Math.max(0, before - guaranteed);
    if (amount > 0 && (after > max || commonUsed + fromCommon > common)) throw overloaded();
    commonUsed += fromCommon;
    if (after === 0) usedBy.delete(sharer);
    else usedBy.set(sharer, after);
  }

  return {
    enter(sharer = '', amount = 1) {
      shareAgain();
      take(sharer, amount);
      let isHeld = true;
      return () => {
        if (isHeld) take(sharer, -amount);
        isHeld = false;
      };
    },
  };
}

function sharesOf(capacity: number, sharers: number): { guaranteed: number; common: number; max: number } {
  if (sharers <= 1) return { guaranteed: capacity, common: 0, max: capacity };
  const guaranteed = Math.floor(capacity / 2 / sharers);
  const common = capacity - guaranteed * sharers;
  return { guaranteed, common, max: guaranteed + Math.ceil(common / 2) };
}

function overloaded(): HttpError {
  return new HttpError({ status: 429, message: 'the request is controlled by overload protection, please retry later', retryAfterInS: 1 });
}
