import type { EventLog } from '#src/core/log/event-log.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { FireTimes } from '#src/core/schedules/fire-times.ts';
import type { Progress } from '#src/core/schedules/progress.ts';
import type { Schedule } from '#src/core/schedules/schedule.ts';
import type { CancelPorts } from '#src/core/stream/cancel-invocation.ts';

/** The ports of a scheduler that fires schedules. */
export type FirePorts = CancelPorts & {
  /** The name of this scheduler, which the log records. */
  name: string;
  log: EventLog;
  /** The store of the progress. */
  state: KeyValue;
  logger: Logger;
  appendId: () => string;
};

/** A schedule that one scheduler checks. */
export type FireOptions = {
  ports: FirePorts;
  schedule: Schedule;
  times: FireTimes;
  /** Whether the schedule, with this progress, is still as it is given here, and this scheduler runs. */
  isPresent: (progress: Progress) => boolean;
};
