import { messageOf } from '#src/core/errors.ts';
import type { HistoryStatus } from '#src/core/history-questions.ts';
import type { LogSource, LogState } from '#src/core/log/log-source.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { ProjectionPace } from '#src/projection/fold/pace.ts';
import type { Replay } from '#src/projection/fold/replay.ts';
import type { Store } from './store.ts';

/** A read model that follows the log: its file, and the replay that fills the file. */
export type Model = { store: Store; file: string; replay: Replay; pace: ProjectionPace };

export async function closeModel({ replay, store, pace }: Model): Promise<void> {
  pace.stop();
  await replay.stop();
  store.close();
}

/** Truncates the journal of the file after an erasure. */
export function cleanModel({ store }: Model, logger: Logger): void {
  try {
    store.clean();
  } catch (error) {
    // The disk is full, or another process reads. The next call tries again.
    logger.warn({}, `the journal of the read model cannot be truncated yet: ${messageOf(error)}`);
  }
}

/** Reads the state of the log, and records when the read model had the whole log. */
export async function readState(source: Pick<LogSource, 'state'>, { replay }: Model, clock: Pick<Clock, 'now'>): Promise<LogState> {
  const askedAt = clock.now();
  const seen = await source.state();
  replay.recordLogEnd(seen.last, askedAt);
  return seen;
}

/** How far a read model is rebuilt up to a sequence of the log. */
export function progressOf({ replay, why }: Model & { why: string }, target: number): NonNullable<HistoryStatus['rebuild']> {
  const { sequence, perSecond } = replay;
  const percent = target === 0 ? 100 : Math.min(100, Math.round((sequence / target) * 1_000) / 10);
  const secondsLeft = perSecond === 0 ? null : Math.ceil(Math.max(0, target - sequence) / perSecond);
  return { why, sequence, target, perSecond, percent, secondsLeft };
}

/** How far a read model holds a log that ends at a sequence, and the problems that it found. */
export function extentOf(
  { store, file, replay }: Model,
  last: number,
  now: number,
): Pick<HistoryStatus, 'file' | 'sequence' | 'lag' | 'lagInMs' | 'problems' | 'open'> {
  const { sequence, open, behindSince } = replay;
  const lag = Math.max(0, last - sequence);
  const lagInMs = lag === 0 || behindSince === 0 ? 0 : Math.max(0, now - behindSince);
  const problems = Number(store.database.prepare('SELECT count(*) FROM problems').get()?.[0] ?? 0);
  return { file, sequence, lag, lagInMs, problems, open };
}
