/** How many requests a project may send now: `tokens` at the time `at`, in milliseconds since the epoch. */
export type AcceptBucket = { at: number; tokens: number };

type Rate = { rate: number; burst: number };

/** The bucket at a later time. A bucket that was never used is full. */
export function refill(bucket: AcceptBucket | undefined, now: number, { rate, burst }: Rate): AcceptBucket {
  if (bucket === undefined) return { at: now, tokens: burst };
  // The clocks of two gateways differ by milliseconds. Time that a bucket has counted is not counted again.
  const at = Math.max(now, bucket.at);
  return { at, tokens: Math.min(burst, bucket.tokens + ((at - bucket.at) * rate) / 1_000) };
}

/** How long it takes until a bucket has so many tokens, in milliseconds. */
export function timeUntil(tokens: number, bucket: AcceptBucket, { rate }: Pick<Rate, 'rate'>): number {
  return Math.max(0, ((tokens - bucket.tokens) * 1_000) / rate);
}
