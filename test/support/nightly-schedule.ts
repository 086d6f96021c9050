import type { FunctionName } from '#src/core/names/names.ts';
import type { Schedule } from '#src/core/schedules/schedule.ts';

/** A schedule of three o'clock in Berlin, which a test changes as it needs. */
export const nightlySchedule: Schedule = {
  name: 'nightly' as FunctionName,
  cron: '0 3 * * *',
  timeZone: 'Europe/Berlin',
  function: 'report' as FunctionName,
  event: '{"n":1}',
  overlap: 'allow',
  catchUpInMs: 86_400_000,
  jitterInMs: 0,
  description: '',
  paused: false,
  createdAt: 0,
  since: 0,
};
