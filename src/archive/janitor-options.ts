import type { LogPurge } from '#src/core/log/log-purge.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { SegmentFiles } from './archive.ts';
import type { Retention } from './horizon.ts';

export type JanitorOptions = {
  /** Its name, in the log and in its lease. */
  name: string;
  log: LogSource;
  purge: LogPurge;
  archive: SegmentFiles;
  state: KeyValue;
  clock: Clock;
  logger: Logger;
  retention: Retention;
  /** How long read models remember what is finished, in milliseconds; `undefined`: for ever. */
  historyRetentionInMs: number | undefined;
  /** How often it looks, in milliseconds. */
  everyInMs?: number;
  /** What is younger stays, whatever the retention says: somebody may still be at it. In milliseconds. */
  graceInMs?: number;
  /** How many messages that may go stand between others before they are removed one by one: a tenth of what is kept, if that is less than 20,000. */
  mostLoose?: number;
};
