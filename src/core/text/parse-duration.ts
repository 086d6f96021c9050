const unitInMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration as it is typed, exactly: `1h`, `90s`, `2.5s`, `250ms`. */
export function durationText(ms: number): string {
  for (const unit of ['h', 'm', 's']) {
    const size = unitInMs[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  if (ms === 0) return '0s';
  return ms > 1_000 ? `${ms / 1_000}s` : `${ms}ms`;
}

/** The milliseconds of a duration such as `500ms`, `1.5s`, `5m`, `5min`, `1h` or `1d`; `undefined` if the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?)\s*(ms|s|min|m|h|d)$/.exec(text.trim()) ?? [];
  return amount === undefined ? undefined : Math.round(Number(amount) * (unitInMs[unit] ?? Number.NaN));
}
