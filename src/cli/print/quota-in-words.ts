import { say } from '#src/cli/texts/say.ts';
import type { QuotaLimits } from '#src/core/quotas/project-quota.ts';

/** The limits of a project in one line. */
export function limitsInWords({ open, rate, burst = rate ?? 0, storedBytes, weight }: QuotaLimits): string {
  const parts = [
    ...(open === undefined ? [] : [say('at most {open} open invocations', { open })]),
    ...(rate === undefined ? [] : [say('at most {rate} requests per second (burst {burst})', { rate, burst })]),
    ...(storedBytes === undefined ? [] : [say('at most {bytes} stored bytes', { bytes: storedBytes })]),
    ...(weight === undefined ? [] : [say('weight {weight}', { weight })]),
  ];
  return parts.length === 0 ? say('no quota') : parts.join(', ');
}
