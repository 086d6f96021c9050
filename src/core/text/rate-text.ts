/** A rate as a definition has it. */
type RateFields = { limit: number; per: string; burst?: number | undefined };

/** Reads `100/1s`, `100/1m:20`, `10/h`: the limit, the period and the burst; `undefined` for another text. The schema of the definition checks the values. */
export function parseRateFields(text: string): RateFields | undefined {
  const [, limit, amount, unit, burst] = /^(\d{1,9})\/(\d{1,9}(?:\.\d{1,6})?)?(ms|s|m|min|h|d)(?::(\d{1,9}))?$/.exec(text.trim()) ?? [];
  if (limit === undefined) return undefined;
  return { limit: Number(limit), per: `${amount ?? 1}${unit}`, ...(burst === undefined ? {} : { burst: Number(burst) }) };
}

/** A rate as {@link parseRateFields} reads it. */
export function rateFieldsInText({ limit, per, burst }: RateFields): string {
  return `${limit}/${per}${burst === undefined ? '' : `:${burst}`}`;
}
