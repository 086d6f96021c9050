/** A duration for people: `12 ms`, `1.25 s`, `2 min 5 s`, `3 h 20 min`. A duration that rounds up to the next unit is shown in that one. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  // Three significant digits; `Number` drops trailing zeros.
  if (ms < 59_950) return `${Number((ms / 1_000).toPrecision(3))} s`;
  if (ms < 3_599_500) return two(Math.round(ms / 1_000), 60, ['min', 's']);
  if (ms < 86_370_000) return two(Math.round(ms / 60_000), 60, ['h', 'min']);
  return two(Math.round(ms / 3_600_000), 24, ['d', 'h']);
}

function two(total: number, base: number, [large, small]: readonly [string, string]): string {
  const rest = total % base;
  return `${Math.floor(total / base)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}
