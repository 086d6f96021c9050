import { messageOf } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { describeLoss, LOSS_REMEDY, type LogLoss, type LogMark } from './log-loss.ts';
import { ERASED, type LogSource, type LogState } from './log-source.ts';
import type { LossBook } from './loss-book.ts';
import { confirmRegression, type Suspicion } from './regression.ts';

/*
 * 1. Once a second, the watch notes the end of the log: its sequence, the fingerprint and the time of its message (LOSS1).
 * 2. The log lost messages when it ends before a mark or an acknowledged sequence, or holds another message at a mark (LOSS2).
 * 3. The newest mark that the log still holds is the lower bound of the loss. The highest mark or acknowledged sequence is the upper bound.
 */

/** What survives the end of the process: the newest marks, and the losses that were found. */
type LossMemory = { marks: LogMark[]; losses: LogLoss[] };

/** Keeps the memory outside the store of the log. */
export interface LossFile {
  read(): Promise<LossMemory | undefined>;
  write(memory: LossMemory): Promise<void>;
}

/** What the log acknowledged to this process. */
export type Acknowledged = { readonly highest: number; readonly loss: { keptUpTo: number; upTo: number } | undefined };

export type LossWatchOptions = {
  log: LogSource;
  book: LossBook;
  file: LossFile;
  clock: Clock;
  logger: Logger;
  /** The name of this process for people. */
  by: string;
  acknowledged: readonly Acknowledged[];
  signal: AbortSignal;
};

export interface LossWatch {
  /** The losses that no operator has acknowledged, as of the last comparison. */
  readonly losses: readonly LogLoss[];
}

const COMPARE_EVERY_MS = 1_000;
const MAX_MARKS = 120;

/** Watches the end of the log until the signal aborts. Logs each loss as an error, and records it in the book and in the file. */
export function watchLosses(options: LossWatchOptions): LossWatch {
  const watch = new Watch(options);
  void watch.run();
  return watch;
}

class Watch implements LossWatch {
  readonly #options: LossWatchOptions;
  #marks: LogMark[] = [];
  #known: LogLoss[] = [];
  #written = '';
  /** The highest acknowledged sequence. It was acknowledged after one comparison began (`after`) and before another one (`at`). */
  #acknowledged = { highest: 0, after: 0, at: 0 };
  #comparedAt = 0;
  /** The highest acknowledged sequence of each connection when the last loss was recorded: part of that loss, until it changes. */
  readonly #recorded = new Map<Acknowledged, number>();
  readonly #seenLosses = new WeakSet<object>();

  constructor(options: LossWatchOptions) {
    this.#options = options;
  }

  get losses(): readonly LogLoss[] {
    return this.#known.filter(({ acknowledged }) => acknowledged === undefined);
  }

  async run(): Promise<void> {
    const { clock, logger, signal, file } = this.#options;
    try {
      const memory = await file.read();
      this.#marks = memory?.marks ?? [];
      this.#known = memory?.losses ?? [];
    } catch (error) {
      logger.warn({}, `the watermarks of the log cannot be read: ${messageOf(error)}`);
    }
    await this.#dropMarksOfAnotherLog();
    while (!signal.aborted) {
      // Without an answer of the log, the next comparison asks again.
      await this.#compare().catch(() => {});
      await this.#save();
      await clock.sleep(COMPARE_EVERY_MS, signal);
    }
  }

  /** The data folder may have been used with another server before, whose log says nothing about this one. */
  async #dropMarksOfAnotherLog(): Promise<void> {
    const { log, clock, logger, signal } = this.#options;
    while (!signal.aborted && this.#marks.length > 0) {
      try {
        const { created } = await log.state();
        if (this.#marks.some((mark) => mark.created === created)) return;
        logger.warn({}, 'the watermarks in the data folder are of another log, and are dropped');
        this.#marks = [];
      } catch {
        await clock.sleep(COMPARE_EVERY_MS, signal);
      }
    }
  }

  async #compare(): Promise<void> {
    const { log, clock, book, signal } = this.#options;
    const highest = Math.max(0, ...this.#options.acknowledged.map((one) => (this.#recorded.get(one) === one.highest ? 0 : one.highest)));
    const proven = this.#takeProven();
    const now = clock.now();
    if (highest > this.#acknowledged.highest) this.#acknowledged = { highest, after: this.#comparedAt, at: now };
    this.#comparedAt = now;
    const state = await log.state();
    const why = (await this.#suspect(state)) === undefined ? undefined : await confirmRegression(() => this.#look(), { clock, signal });
    if (why !== undefined) await this.#recordLoss(why, proven?.upTo ?? 0);
    else if (proven !== undefined) await this.#recordLoss('the log gave an acknowledged sequence to another message', proven.upTo);
    else await this.#mark(state);
    this.#known = await book.add(this.#known);
  }

  /** The loss that an acknowledgement proved since the last comparison. */
  #takeProven(): Acknowledged['loss'] {
    let highest: Acknowledged['loss'];
    for (const one of this.#options.acknowledged) {
      const { loss } = one;
      if (loss === undefined || this.#seenLosses.has(loss)) continue;
      this.#seenLosses.add(loss);
      const isRecorded = this.#recorded.get(one) === loss.upTo;
      if (!isRecorded && loss.upTo > (highest?.upTo ?? 0)) highest = loss;
    }
    return highest;
  }

  async #look(): Promise<Suspicion | undefined> {
    const state = await this.#options.log.state();
    const why = await this.#suspect(state);
    return why === undefined ? undefined : { why, authority: state.authority };
  }

  async #suspect(state: LogState): Promise<string | undefined> {
    const newest = this.#marks.at(-1);
    if (newest !== undefined && newest.created !== state.created) return 'the log was created again';
    const upTo = Math.max(newest?.sequence ?? 0, this.#acknowledged.highest);
    if (state.last < upTo) return `the log ends at ${state.last}, but it acknowledged ${upTo}`;
    if (newest === undefined || (await this.#holds(newest))) return undefined;
    return `message ${newest.sequence} of the log is not the message that it was`;
  }

  /** Whether the log has the message of a mark. A message that is gone was archived or erased. */
  async #holds({ sequence, fingerprint }: LogMark): Promise<boolean> {
    const found = await this.#options.log.fingerprintAt(sequence);
    return found === undefined || found === ERASED || found === fingerprint;
  }

  async #recordLoss(why: string, proven: number): Promise<void> {
    const { log, clock, logger, by } = this.#options;
    const state = await log.state();
    const newest = this.#marks.at(-1);
    const kept = await this.#newestKept(state);
    const lostUpTo = Math.max(newest?.sequence ?? 0, this.#acknowledged.highest, proven);
    const foundAt = clock.now();
    const loss: LogLoss = {
      id: foundAt.toString(36),
      created: state.created,
      foundAt,
      foundBy: by,
      why,
      keptUpTo: kept?.sequence ?? 0,
      keptAt: kept?.at ?? this.#marks[0]?.at ?? foundAt,
      lostUpTo,
      lostAfter: Math.max(newest?.at ?? 0, this.#acknowledged.after),
      lostAt: Math.min(foundAt, Math.max(newest?.at ?? 0, this.#acknowledged.at)),
    };
    logger.error({ loss }, `${describeLoss(loss)}; ${LOSS_REMEDY}`);
    this.#marks = this.#marks.filter((mark) => mark.created === state.created && mark.sequence <= loss.keptUpTo);
    this.#acknowledged = { highest: 0, after: 0, at: 0 };
    for (const one of this.#options.acknowledged) {
      this.#recorded.set(one, one.highest);
      if (one.loss !== undefined) this.#seenLosses.add(one.loss);
    }
    this.#known = await this.#options.book.add([...this.#known, loss]);
  }

  async #newestKept({ created, last }: LogState): Promise<LogMark | undefined> {
    for (const mark of this.#marks.toReversed())
      if (mark.created === created && mark.sequence <= last && (await this.#holds(mark))) return mark;
    return undefined;
  }

  async #mark({ created, last }: LogState): Promise<void> {
    const { log } = this.#options;
    if (last <= (this.#marks.at(-1)?.sequence ?? 0)) return;
    const [fingerprint, found] = [await log.fingerprintAt(last), await log.firstFrom(last)];
    if (fingerprint === undefined || fingerprint === ERASED || found?.sequence !== last) return;
    this.#marks.push({ created, sequence: last, fingerprint, at: found.at });
    if (this.#marks.length > MAX_MARKS) this.#marks = this.#marks.slice(-MAX_MARKS);
  }

  async #save(): Promise<void> {
    const memory = { marks: this.#marks, losses: this.#known };
    const text = JSON.stringify(memory);
    if (text === this.#written) return;
    try {
      await this.#options.file.write(memory);
      this.#written = text;
    } catch (error) {
      this.#options.logger.warn({}, `the watermarks of the log cannot be written: ${messageOf(error)}`);
    }
  }
}
