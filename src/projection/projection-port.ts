import type { HistoryCheck, HistoryStatus } from '#src/core/history-questions.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { Clock, Timers } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { LossRecords } from './repair/loss-report.ts';
import type { PageCheckOptions } from './repair/page-check.ts';
import type { OpenDatabase } from './store/sqlite.ts';
import type { Store } from './store/store.ts';

export type ProjectionOptions = {
  source: LogSource;
  /** The root of the folders of this and other processes. */
  folder: string;
  instance: string;
  clock: Clock;
  logger: Logger;
  /** Without it, losses of the log are not recorded. */
  losses?: LossRecords;
  /** The SQLite of this runtime by default. */
  sqlite?: OpenDatabase;
  timers?: Timers;
  /** Without it, damaged pages that no statement reads are not looked for. */
  pages?: PageCheckOptions;
};

/** A read model that follows the log. It is rebuilt, with a warning, whenever the log contradicts it (P1). */
export interface Projection {
  /** The live tables, with everything that was read of the log. A rebuild replaces them: do not keep this value. */
  readonly store: Store;
  /** The sequence up to which the live tables hold the log: the sequence of the last message that was read. */
  readonly sequence: number;
  /** Ends a delay of the reading for a while (`pace.ts`), so that the answer to a question is about the present. */
  recordQuestion(): void;
  status(): Promise<HistoryStatus>;
  /** Builds a second read model from zero up to the present, and compares all rows. */
  check(): Promise<HistoryCheck>;
  /** Builds a second read model, which replaces the live one when it has caught up. */
  rebuild(why: string): void;
  stop(): Promise<void>;
}
