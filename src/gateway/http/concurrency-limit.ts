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
 * sharer uses at most half of the common half. A single sharer may use the whole capacity.
 */
export function createConcurrencyLimit(capacity: number, sharers = 1): ConcurrencyLimit {
  const isShared = sharers > 1;
  const guaranteed = isShared ? Math.floor(capacity / 2 / sharers) : capacity;
  const common = capacity - guaranteed * Math.max(1, sharers);
  const max = isShared ? guaranteed + Math.ceil(common / 2) : capacity;
  const usedBy = new Map<string, number>();
  let commonUsed = 0;

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
      take(sharer, amount);
      let isHeld = true;
      return () => {
        if (isHeld) take(sharer, -amount);
        isHeld = false;
      };
    },
  };
}

function overloaded(): HttpError {
  return new HttpError({ status: 429, message: 'the request is controlled by overload protection, please retry later', retryAfterInS: 1 });
}
