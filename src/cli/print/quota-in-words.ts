import { say } from '#src/cli/texts/say.ts';
import type { QuotaLimits } from '#src/core/quotas/project-quota.ts';

/** The limits of a project in one line. */
export function limitsInWords({ open, rate, burst = rate ?? 0, storedBytes, weight, ...defined }: QuotaLimits): string {
  const parts = [
    ...(open === undefined ? [] : [say('at most {open} open invocations', { open })]),
    ...(rate === undefined ? [] : [say('at most {rate} requests per second (burst {burst})', { rate, burst })]),
    ...(storedBytes === undefined ? [] : [say('at most {bytes} stored bytes', { bytes: storedBytes })]),
    ...definedInWords(defined),
    ...(weight === undefined ? [] : [say('weight {weight}', { weight })]),
  ];
  return parts.length === 0 ? say('no quota') : parts.join(', ');
}

function definedInWords({ functions, schedules, definitionBytes, codeBytes, memoryBytes, processors }: QuotaLimits): string[] {
  return [
    ...(functions === undefined ? [] : [say('at most {count} functions', { count: functions })]),
    ...(schedules === undefined ? [] : [say('at most {count} schedules', { count: schedules })]),
    ...(definitionBytes === undefined ? [] : [say('at most {bytes} bytes of definitions', { bytes: definitionBytes })]),
    ...(codeBytes === undefined ? [] : [say('at most {bytes} bytes of code', { bytes: codeBytes })]),
    ...(memoryBytes === undefined ? [] : [say('at most {bytes} bytes of memory in a worker', { bytes: memoryBytes })]),
    ...(processors === undefined ? [] : [say('at most {count} processors in a worker', { count: processors })]),
  ];
}
