import { join } from 'node:path';
import { messageOf } from '#src/core/errors.ts';
import type { HistoryCheck, HistoryStatus } from '#src/core/history-questions.ts';
import { LastingFailure } from '#src/core/lasting-failure.ts';
import type { LogSource, LogState } from '#src/core/log/log-source.ts';
import { type Clock, systemTimers, type Timers } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { findContradiction, findRegression } from './contradiction.ts';
import { CurrentCheck } from './current-check.ts';
import { type LossRecords, reportLoss } from './loss-report.ts';
import { closeModel, extentOf, type Model, progressOf } from './model.ts';
import { type ModelFolder, takeModelFolder } from './model-folder.ts';
import { createPace } from './pace.ts';
import { type Replay, startReplay } from './replay.ts';
import { findSqlite, type OpenDatabase } from './sqlite.ts';
import { openStore, type Store } from './store.ts';

/*
 * Keeps one live read model, and at most one that is rebuilt next to it.
 *
 * 1. At the start, the last file continues from its checkpoint, unless the log contradicts the file.
 * 2. A requested rebuild fills a second file. The first file answers queries until the second one has caught up.
 * 3. When the log contradicts the live file, and its leader confirms that, a new file replaces the live one at once.
 */

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
};

/** A read model that follows the log. It is rebuilt, with a warning, whenever the log contradicts it (P1). */
export interface Projection {
  /** The live tables, with everything that was read of the log. A rebuild replaces them: do not keep this value. */
  readonly store: Store;
  /** The sequence up to which the live tables hold the log: that of the last message that was read. */
  readonly sequence: number;
  /** Ends a delay of the reading for a while (`pace.ts`), so that the answer to a question is about the present. */
  noteQuestion(): void;
  status(): Promise<HistoryStatus>;
  /** Builds a second read model from zero up to the present, and compares all rows. */
  check(): Promise<HistoryCheck>;
  /** Builds a second read model, which replaces the live one when it has caught up. */
  rebuild(why: string): void;
  stop(): Promise<void>;
}

const COMPARE_EVERY_MS = 1_000;
/** The message at the checkpoint is compared in every tenth comparison, because that reads the archive too. */
const COMPARE_MESSAGE_EVERY = 10;
const MAX_PAUSE_IN_MS = 60_000;

/** Resolves when queries can be answered. The read model may still be behind the log. */
export async function openProjection(options: ProjectionOptions): Promise<Projection> {
  const open = options.sqlite ?? (await findSqlite());
  const folder = takeModelFolder(open, options.folder);
  try {
    const projection = new LiveProjection(options, { open, folder, state: await options.source.state() });
    await projection.start();
    return projection;
  } catch (error) {
    folder.release();
    throw error;
  }
}

class LiveProjection implements Projection {
  readonly #source: LogSource;
  readonly #options: ProjectionOptions;
  readonly #open: OpenDatabase;
  readonly #folder: ModelFolder;
  readonly #stopping = new AbortController();
  readonly #rebuilds: { at: number; why: string }[] = [];
  #state: LogState;
  #live: Model | undefined;
  #next: (Model & { why: string }) | undefined;
  #isReady = false;
  #isRestarting = false;
  readonly #checking = new CurrentCheck();
  #comparing: Promise<void> = Promise.resolve();

  constructor(options: ProjectionOptions, { open, folder, state }: { open: OpenDatabase; folder: ModelFolder; state: LogState }) {
    this.#options = options;
    this.#source = options.source;
    this.#open = open;
    this.#folder = folder;
    this.#state = state;
  }

  get store(): Store {
    this.#model.replay.flush();
    return this.#model.store;
  }

  get sequence(): number {
    this.#model.replay.flush();
    return this.#model.replay.sequence;
  }

  noteQuestion(): void {
    this.#model.pace.noteQuestion();
  }

  get #waiting() {
    return { clock: this.#options.clock, signal: this.#stopping.signal };
  }

  get #model(): Model {
    if (this.#live === undefined) throw new Error('the projection is not started');
    return this.#live;
  }

  /** Continues with the current file, unless the log contradicts the file. */
  async start(): Promise<void> {
    const file = this.#folder.current;
    const store = file === undefined ? undefined : this.#openFile(file);
    const why = store === undefined ? undefined : await findContradiction(this.#source, store.checkpoint, this.#waiting);
    if (file !== undefined && store !== undefined && why === undefined) this.#live = this.#follow(store, file);
    else {
      // A read model of another log proves nothing about this one.
      if (store?.checkpoint?.created === this.#state.created) await reportLoss(store, this.#options, this.#stopping.signal);
      store?.close();
      if (file !== undefined) this.#announceRebuild(why ?? `${file} cannot be read, or another version of Sequent wrote it`);
      this.#startFromZero();
    }
    this.#comparing = this.#compareRepeatedly();
  }

  async status(): Promise<HistoryStatus> {
    const { clock, instance } = this.#options;
    const seen = await this.#source.state();
    this.#model.replay.flush();
    return {
      instance,
      ...extentOf(this.#model, seen.last, clock.now()),
      created: seen.created,
      last: seen.last,
      memoryInBytes: process.memoryUsage.rss(),
      isReady: this.#isReady && !this.#isRestarting && seen.created === this.#state.created,
      rebuild: this.#next === undefined ? null : progressOf(this.#next, seen.last),
      rebuilds: [...this.#rebuilds],
    };
  }

  async check(): Promise<HistoryCheck> {
    const { store, file } = this.#model;
    const { instance } = this.#options;
    const until = store.checkpoint?.sequence ?? 0;
    const scratch = join(this.#folder.path, 'check.db');
    const [source, open, created] = [this.#source, this.#open, this.#state.created];
    return { instance, ...(await this.#checking.run({ source, open, file, until, created, scratch })) };
  }

  rebuild(why: string): void {
    if (this.#next !== undefined || this.#isRestarting || this.#stopping.signal.aborted) return;
    this.#announceRebuild(why);
    const file = this.#folder.next();
    this.#next = { ...this.#follow(this.#openNew(file), file), why };
    this.#replaceWhenCaughtUp();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#comparing;
    await this.#checking.abandon('the projection ends');
    await this.#abandonNext();
    await closeModel(this.#model);
    this.#folder.release();
  }

  #openFile(file: string): Store | undefined {
    return openStore({ open: this.#open, file, decode: this.#source.decode });
  }

  #openNew(file: string): Store {
    const store = this.#openFile(file);
    if (store === undefined) throw new Error(`${file} cannot be opened`);
    return store;
  }

  #startFromZero(): void {
    const file = this.#folder.next();
    const store = this.#openNew(file);
    this.#folder.choose(file);
    this.#live = this.#follow(store, file);
  }

  #announceRebuild(why: string): void {
    this.#rebuilds.push({ at: this.#options.clock.now(), why });
    this.#options.logger.warn({ folder: this.#folder.path }, `the read model is rebuilt: ${why}`);
  }

  #follow(store: Store, file: string): Model {
    const { logger, clock, timers = systemTimers } = this.#options;
    const pace = createPace({ clock, timers, mayHold: () => this.#isReady && this.#live?.store === store });
    const replay = startReplay({
      source: this.#source,
      store,
      created: this.#state.created,
      timers,
      pace,
      onContradiction: (why) => void this.#restart(why),
      onGap: (gap) => logger.warn(gap, 'the log holds no messages between these two sequences'),
      onStored: () => this.#stored(store),
    });
    replay.done.catch((error: unknown) => {
      logger.error({ file }, `the read model cannot follow the log: ${messageOf(error)}`);
      return this.#restartUntilReplaced(replay, `it could not follow the log: ${messageOf(error)}`);
    });
    return { store, file, replay, pace };
  }

  /** A failed replay reads nothing more. Restarts, with growing pauses, until another replay has replaced the failed one. */
  async #restartUntilReplaced(failed: Replay, why: string): Promise<void> {
    const { signal } = this.#stopping;
    for (let pauseInMs = COMPARE_EVERY_MS; ; pauseInMs = Math.min(pauseInMs * 2, MAX_PAUSE_IN_MS)) {
      await this.#options.clock.sleep(pauseInMs, signal);
      if (signal.aborted || (this.#live?.replay !== failed && this.#next?.replay !== failed)) return;
      await this.#restart(why);
    }
  }

  #stored(store: Store): void {
    if (this.#next?.store === store) this.#replaceWhenCaughtUp();
    else if ((store.checkpoint?.sequence ?? 0) >= this.#state.last) this.#isReady = true;
  }

  /** Replaces the live read model at once, because the log contradicts it. */
  async #restart(why: string): Promise<void> {
    if (this.#stopping.signal.aborted || this.#isRestarting) return;
    this.#isRestarting = true;
    try {
      this.#announceRebuild(why);
      await this.#abandonNext();
      await this.#checking.abandon(`the read model is rebuilt: ${why}`);
      const old = this.#model;
      await old.replay.stop();
      this.#state = await this.#source.state();
      await reportLoss(old.store, this.#options, this.#stopping.signal);
      this.#isReady = false;
      this.#startFromZero();
      old.store.close();
    } catch (error) {
      // The next comparison, within a second, finds the same contradiction.
      this.#options.logger.error({}, `the read model cannot be rebuilt yet: ${messageOf(error)}`);
    } finally {
      this.#isRestarting = false;
    }
  }

  /** Makes the rebuilt read model the live one, in one step, when it holds as much of the log. */
  #replaceWhenCaughtUp(): void {
    if (this.#next === undefined || this.#next.replay.sequence < this.#model.replay.sequence) return;
    const old = this.#model;
    this.#live = this.#next;
    this.#next = undefined;
    this.#folder.choose(this.#live.file);
    this.#options.logger.warn({ folder: this.#folder.path }, 'the rebuilt read model replaced the old one');
    void closeModel(old);
  }

  async #abandonNext(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) await closeModel(next);
  }

  async #compareRepeatedly(): Promise<void> {
    const { signal } = this.#stopping;
    const failure = new LastingFailure('the comparison of the read model with the log', this.#options);
    for (let round = 1; ; round++) {
      await this.#options.clock.sleep(COMPARE_EVERY_MS, signal);
      if (signal.aborted) return;
      this.#clean();
      // Without an answer, the next comparison asks again.
      await failure.watch(this.#compare(round % COMPARE_MESSAGE_EVERY === 0));
    }
  }

  #clean(): void {
    try {
      this.#model.store.clean();
    } catch (error) {
      // The disk is full, or another process reads. The next comparison tries again.
      this.#options.logger.warn({}, `the journal of the read model cannot be truncated yet: ${messageOf(error)}`);
    }
  }

  async #compare(withMessage: boolean): Promise<void> {
    const seen = await this.#source.state();
    const isSuspect = seen.created !== this.#state.created || seen.last < this.#model.replay.sequence;
    const why =
      isSuspect || withMessage ? await findRegression(this.#source, () => this.#model.store.checkpoint, this.#waiting) : undefined;
    if (why !== undefined) await this.#restart(why);
    else if (!isSuspect) this.#state = seen;
    if (this.#model.replay.sequence >= seen.last) this.#isReady = true;
  }
}
