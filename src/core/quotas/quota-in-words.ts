import type { QuotaLimits } from './project-quota.ts';

/** The limits of a project in one line. */
export function limitsInWords({ open, rate, burst = rate, storedBytes, weight }: QuotaLimits): string {
  const parts = [
    ...(open === undefined ? [] : [`at most ${open} open invocations`]),
    ...(rate === undefined ? [] : [`at most ${rate} requests per second (burst ${burst})`]),
    ...(storedBytes === undefined ? [] : [`at most ${storedBytes} stored bytes`]),
    ...(weight === undefined ? [] : [`weight ${weight}`]),
  ];
  return parts.length === 0 ? 'no quota' : parts.join(', ');
}
