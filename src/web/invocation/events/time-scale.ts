/** Maps times to shares of the width, from 0 to 1. */
export type Scale = { at(time: number): number; from: number; to: number };

/** A scale over the times: proportional, or with the same distance between all successive times. */
export function scaleOf(times: readonly number[], kind: 'time' | 'steps'): Scale {
  const sorted = [...new Set(times)].sort((one, other) => one - other);
  const from = sorted[0] ?? 0;
  const to = Math.max(sorted.at(-1) ?? 0, from + 1);
  if (kind === 'time' || sorted.length < 2) return { from, to, at: (time) => clamp((time - from) / (to - from)) };
  return {
    from,
    to,
    at(time) {
      const next = sorted.findIndex((one) => one >= time);
      if (next <= 0) return next === 0 ? 0 : 1;
      const before = sorted[next - 1] ?? from;
      const after = sorted[next] ?? to;
      return (next - 1 + (time - before) / (after - before)) / (sorted.length - 1);
    },
  };
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

/** Times at round distances from the start of the scale. */
export function ticksOf({ from, to }: Scale, maxTicks = 6): number[] {
  const shortSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000];
  const longSteps = [900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 21_600_000, 43_200_000, 86_400_000];
  const step = [...shortSteps, ...longSteps].find((one) => (to - from) / one <= maxTicks) ?? Math.ceil((to - from) / maxTicks);
  const ticks: number[] = [];
  for (let at = 0; at <= to - from && ticks.length <= maxTicks + 1; at += step) ticks.push(from + at);
  return ticks;
}
