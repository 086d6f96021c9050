import { messageOf } from '#src/core/errors.ts';
import { LastingFailure } from '#src/core/lasting-failure.ts';
import { greatestOf, leastOf } from '#src/core/least-and-greatest.ts';
import { ERASED, type LogSource, type LogState } from '#src/core/log/log-source.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { describeLoss, LOSS_REMEDY, type LogLoss, type LogMark } from './log-loss.ts';
import type { LossBook } from './loss-book.ts';
import { confirmRegression, type Suspicion } from './regression.ts';

/*
 * 1. Once a second, the watch notes the end of the log: its sequence, the fingerprint and the time of its message (LOSS1).
 * 2. The log lost messages when it ends before a mark or an acknowledged message, or holds another message there (LOSS2). An acknowledged
 *    message is recognised by its id, because its sender does not know its time.
 * 3. The newest mark that the log still holds is the lower bound of the loss. The highest lost mark or acknowledged message is the upper
 *    bound. A mark that was noted after a lost message was sent may be one of the messages that got the lost sequences.
 */

/** What survives the end of the process: the newest marks, and the losses that were found. */
type LossMemory = { marks: LogMark[]; losses: LogLoss[] };

/** Keeps the memory outside the store of the log. */
export interface LossFile {
  read(): Promise<LossMemory | undefined>;
  write(memory: LossMemory): Promise<void>;
}

/** A message that the log acknowledged to this process. Times are in milliseconds since the epoch. */
export type AcknowledgedMessage = {
  sequence: number;
  /** As `idOf` gives it for the message in the log. */
  id: string;
  /** The number of the last comparison that ended before the message was sent; 0 before the first. */
  sentAfter: number;
  sentAt: number;
  /** When it was acknowledged. */
  at: number;
};

/** What the log acknowledged to this process. */
export interface Acknowledgements {
  /** The messages that were acknowledged since the last comparison, as far as others do not prove them to be in the log. */
  take(): readonly AcknowledgedMessage[];
  /** Notes that a comparison ended. */
  compared(comparison: number): void;
}

export type LossWatchOptions = {
  log: LogSource;
  book: LossBook;
  file: LossFile;
  clock: Clock;
  logger: Logger;
  /** The name of this process for people. */
  by: string;
  acknowledged: readonly Acknowledgements[];
  /** Up to where the log is archived: only these messages may leave the log (J1). Without it, every message may. */
  archivedUpTo?: () => Promise<number>;
  signal: AbortSignal;
};

export interface LossWatch {
  /** The losses that no operator has acknowledged, as of the last comparison. */
  readonly losses: readonly LogLoss[];
}

const COMPARE_EVERY_MS = 1_000;
const MAX_MARKS = 120;
/** While comparisons fail, the oldest acknowledged messages beyond this number are dropped: a loss takes the end of the log. */
const MAX_ACKNOWLEDGED = 10_000;

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
  /** Up to where the log was archived, when that was asked last. */
  #archived = 0;
  /** The comparisons that noted a mark. */
  #comparisons = 0;
  /** The acknowledged messages that the log was not yet found to hold. */
  #acknowledged: AcknowledgedMessage[] = [];
  /** Acknowledged messages of recorded losses. */
  readonly #recorded = new WeakSet<AcknowledgedMessage>();
  /** The number of the comparison that noted a mark. Marks of earlier processes have none. */
  readonly #notedBy = new WeakMap<LogMark, number>();

  readonly #failure: LastingFailure;

  constructor(options: LossWatchOptions) {
    this.#options = options;
    this.#failure = new LastingFailure('the comparison of the log with its watermarks', options);
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
    await this.#dropMemoryOfAnotherLog();
    while (!signal.aborted) {
      // Without an answer of the log, the next comparison asks again.
      await this.#failure.watch(this.#compare());
      await this.#save();
      await clock.sleep(COMPARE_EVERY_MS, signal);
    }
  }

  /**
   * The data folder may have been used with another server before, whose log says nothing about this one. A loss of that log in the book of
   * this one would be reported until an operator acknowledges it.
   */
  async #dropMemoryOfAnotherLog(): Promise<void> {
    const { log, clock, logger, signal } = this.#options;
    // After a loss that took every mark, the losses alone say which log it was.
    const known = [...this.#marks, ...this.#known];
    while (!signal.aborted && known.length > 0) {
      try {
        const { created } = await log.state();
        if (known.some((one) => one.created === created)) return;
        logger.warn({}, 'the watermarks in the data folder are of another log, and are dropped, with its losses');
        this.#marks = [];
        this.#known = [];
        return;
      } catch {
        await clock.sleep(COMPARE_EVERY_MS, signal);
      }
    }
  }

  async #compare(): Promise<void> {
    const { log, clock, book, signal, acknowledged } = this.#options;
    const taken = acknowledged.flatMap((one) => one.take());
    const added = taken.filter((one) => !this.#recorded.has(one));
    this.#acknowledged = [...this.#acknowledged, ...added].slice(-MAX_ACKNOWLEDGED);
    const state = await log.state();
    // Read before the comparison: a loss in between is then seen at the mark.
    const end = await this.#endOf(state);
    const why =
      (await this.#suspect(state)) === undefined ? undefined : await confirmRegression(() => this.#readAgain(), { clock, signal });
    if (why !== undefined) await this.#recordLoss(why);
    else if (end !== undefined) this.#mark(end);
    this.#acknowledged = [];
    for (const one of acknowledged) one.compared(this.#comparisons);
    this.#known = await book.add(this.#known);
  }

  async #readAgain(): Promise<Suspicion | undefined> {
    const state = await this.#options.log.state();
    const why = await this.#suspect(state);
    return why === undefined ? undefined : { why, authority: state.authority };
  }

  async #suspect(state: LogState): Promise<string | undefined> {
    const newest = this.#marks.at(-1);
    if (newest !== undefined && newest.created !== state.created) return 'the log was created again';
    const upTo = Math.max(newest?.sequence ?? 0, greatestOf(this.#acknowledged.map(({ sequence }) => sequence)));
    if (state.last < upTo) return `the log ends at ${state.last}, but it acknowledged ${upTo}`;
    if (newest !== undefined && !(await this.#holds(newest))) return `message ${newest.sequence} of the log is not the message that it was`;
    for (const one of this.#acknowledged)
      if (!(await this.#holdsAcknowledged(one))) return `message ${one.sequence} of the log is not the message that it acknowledged`;
    return undefined;
  }

  /**
   * Whether the log has the message of a mark. A message that is gone was archived, and then purged or erased. One that was not archived is lost: the
   * server may count a message that it cannot read.
   */
  async #holds({ sequence, fingerprint }: LogMark): Promise<boolean> {
    const found = await this.#options.log.fingerprintAt(sequence);
    return found === undefined ? await this.#isArchived(sequence) : found === ERASED || found === fingerprint;
  }

  async #isArchived(sequence: number): Promise<boolean> {
    const { archivedUpTo } = this.#options;
    if (archivedUpTo !== undefined && this.#archived < sequence) this.#archived = await archivedUpTo();
    return archivedUpTo === undefined || this.#archived >= sequence;
  }

  async #holdsAcknowledged({ sequence, id }: AcknowledgedMessage): Promise<boolean> {
    const found = await this.#options.log.idAt(sequence);
    return found === undefined || found === id;
  }

  async #recordLoss(why: string): Promise<void> {
    const { log, clock, logger, by } = this.#options;
    const state = await log.state();
    const acknowledged = await this.#lostAcknowledged(state);
    const firstSentAfter = leastOf(acknowledged.map(({ sentAfter }) => sentAfter));
    const kept = await this.#newestKept(state, firstSentAfter);
    const newest = this.#marks.at(-1);
    const isNewestLost = newest !== undefined && !(await this.#keeps(state, newest));
    const lost = [...acknowledged, ...(isNewestLost ? [{ ...newest, sentAt: newest.at }] : [])];
    // Since the confirmation, the senders may have stored the same messages at the same sequences again.
    if (lost.length === 0) return;
    const foundAt = clock.now();
    const loss: LogLoss = {
      id: foundAt.toString(36),
      created: state.created,
      foundAt,
      foundBy: by,
      why,
      keptUpTo: kept?.sequence ?? 0,
      keptAt: kept?.at ?? this.#marks[0]?.at ?? foundAt,
      lostUpTo: greatestOf(lost.map(({ sequence }) => sequence)),
      lostAfter: greatestOf(lost.map(({ sentAt }) => sentAt)),
      lostAt: Math.min(foundAt, greatestOf(lost.map(({ at }) => at))),
    };
    logger.error({ loss }, `${describeLoss(loss)}; ${LOSS_REMEDY}`);
    this.#marks = this.#marks.filter((mark) => mark.created === state.created && mark.sequence <= loss.keptUpTo);
    for (const one of acknowledged) this.#recorded.add(one);
    this.#known = [...this.#known, loss];
  }

  async #lostAcknowledged({ last }: LogState): Promise<AcknowledgedMessage[]> {
    const lost: AcknowledgedMessage[] = [];
    for (const one of this.#acknowledged) if (one.sequence > last || !(await this.#holdsAcknowledged(one))) lost.push(one);
    return lost;
  }

  /** Whether the log has the message of a mark, and is the log of the mark. */
  async #keeps({ created, last }: LogState, mark: LogMark): Promise<boolean> {
    return mark.created === created && mark.sequence <= last && (await this.#holds(mark));
  }

  /** The newest mark that the log still has, of those that were noted before the first lost message was sent. */
  async #newestKept(state: LogState, firstSentAfter: number): Promise<LogMark | undefined> {
    for (const mark of this.#marks.toReversed())
      if ((this.#notedBy.get(mark) ?? 0) <= firstSentAfter && (await this.#keeps(state, mark))) return mark;
    return undefined;
  }

  /** The mark of the last message of the log; `undefined` without a new one. */
  async #endOf({ created, last }: LogState): Promise<LogMark | undefined> {
    const { log } = this.#options;
    if (last <= (this.#marks.at(-1)?.sequence ?? 0)) return undefined;
    const [fingerprint, found] = [await log.fingerprintAt(last), await log.firstFrom(last)];
    if (fingerprint === undefined || fingerprint === ERASED || found?.sequence !== last) return undefined;
    return { created, sequence: last, fingerprint, at: found.at };
  }

  #mark(end: LogMark): void {
    this.#notedBy.set(end, ++this.#comparisons);
    this.#marks = [...this.#marks, end].slice(-MAX_MARKS);
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
