import { HttpError } from './http-error.ts';

/**
 * A bounded amount at a moment (requests, or bytes), shared by callers that are known by name: projects, or access keys.
 *
 * `enter` throws `HttpError` 429 when there is no room, before anything was accepted, so that the caller can simply try again. The function
 * that it returns gives the amount back, once.
 */
export type ConcurrencyLimit = { enter(sharer: string | undefined, amount?: number): () => void };

/**
 * Half of the capacity is guaranteed to the sharers in equal parts: nobody else can take a part. The other half is common, and one sharer
 * takes at most half of that. A single sharer has everything.
 */
export function createConcurrencyLimit(capacity: number, sharers = 1): ConcurrencyLimit {
  const isShared = sharers > 1;
  const guaranteed = isShared ? Math.floor(capacity / 2 / sharers) : capacity;
  const common = capacity - guaranteed * Math.max(1, sharers);
  const most = isShared ? guaranteed + Math.ceil(common / 2) : capacity;
  const takenBy = new Map<string, number>();
  let commonTaken = 0;

  function take(sharer: string, amount: number): void {
    const before = takenBy.get(sharer) ?? 0;
    const after = before + amount;
    const fromCommon = Math.max(0, after - guaranteed) - Math.max(0, before - guaranteed);
    if (amount > 0 && (after > most || commonTaken + fromCommon > common)) throw overloaded();
    commonTaken += fromCommon;
    if (after === 0) takenBy.delete(sharer);
    else takenBy.set(sharer, after);
  }

  return {
    enter(sharer = '', amount = 1) {
      take(sharer, amount);
      let isIn = true;
      return () => {
        if (isIn) take(sharer, -amount);
        isIn = false;
      };
    },
  };
}

function overloaded(): HttpError {
  return new HttpError({ status: 429, message: 'the request is controlled by overload protection, please retry later', retryAfterInS: 1 });
}
