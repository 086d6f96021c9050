import type { QuotaUse } from './quota-guard.ts';

/** A project that was refused so lately counts as one that has reached a quota. */
const LATELY_IN_MS = 60_000;

/** One quota of a project in figures. `used` is absent for the rate, which is a speed and no amount. */
export type QuotaFigure = { quota: 'open' | 'rate' | 'stored_bytes'; limit: number; used?: number; refused: number; isReached: boolean };

/** The quotas of a project in figures. */
export function quotaFigures(
  { quota: { open: limit, rate, storedBytes }, open, stored, refusals: { counts, at } }: QuotaUse,
  now: number,
): QuotaFigure[] {
  const isLate = (refused: number): boolean => refused > 0 && at !== undefined && now - at < LATELY_IN_MS;
  const { open: openRefused = 0, rate: rateRefused = 0, storedBytes: storedRefused = 0 } = counts;
  return [
    ...(limit === undefined
      ? []
      : [{ quota: 'open' as const, limit, used: open, refused: openRefused, isReached: open >= limit || isLate(openRefused) }]),
    ...(rate === undefined ? [] : [{ quota: 'rate' as const, limit: rate, refused: rateRefused, isReached: isLate(rateRefused) }]),
    ...(storedBytes === undefined
      ? []
      : [{ quota: 'stored_bytes' as const, limit: storedBytes, used: stored, refused: storedRefused, isReached: stored >= storedBytes }]),
  ];
}
