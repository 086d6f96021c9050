import { join } from 'node:path';
import { messageOf } from '#src/core/errors.ts';
import { CANNOT_FOLLOW, type HistoryCheck, type HistoryStatus } from '#src/core/history-questions.ts';
import { LastingFailure } from '#src/core/lasting-failure.ts';
import type { LogSource, LogState } from '#src/core/log/log-source.ts';
import { systemTimers } from '#src/core/ports/clock.ts';
import { ProjectionPace } from './fold/pace.ts';
import { Replay } from './fold/replay.ts';
import type { Projection, ProjectionOptions } from './projection-port.ts';
import { findContradiction, findRegression } from './repair/contradiction.ts';
import { CurrentCheck } from './repair/current-check.ts';
import { DamagedFiles, MAX_REBUILDS } from './repair/damage.ts';
import { reportLoss } from './repair/loss-report.ts';
import { PageCheck } from './repair/page-check.ts';
import { cleanModel, closeModel, extentOf, type Model, progressOf, readState } from './store/model.ts';
import { type ModelFolder, takeModelFolder } from './store/model-folder.ts';
import { findSqlite, type OpenDatabase } from './store/sqlite.ts';
import { openStore, type Store } from './store/store.ts';

/*
 * Keeps one live read model, and at most one that is rebuilt next to it.
 *
 * 1. At the start, the last file continues from its checkpoint, unless the log contradicts the file.
 * 2. A requested rebuild fills a second file. The first file answers queries until the second one has caught up.
 * 3. When the log contradicts the live file, and its leader confirms that, a new file replaces the live one at once.
 * 4. So it does when a statement or the check of pages finds the live file damaged: the log has everything that the file had.
 */

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

/** Why a read model is replaced at once. */
type Reason = { why: string; isDamaged: boolean };

class LiveProjection implements Projection {
  readonly #source: LogSource;
  readonly #options: ProjectionOptions;
  readonly #open: OpenDatabase;
  readonly #folder: ModelFolder;
  readonly #stopping = new AbortController();
  #rebuilds: { at: number; why: string }[] = [];
  #state: LogState;
  #live: Model | undefined;
  #next: (Model & { why: string }) | undefined;
  #isReady = false;
  #isRestarting = false;
  readonly #checking = new CurrentCheck();
  readonly #pageCheck: PageCheck | undefined;
  readonly #damaged: DamagedFiles;
  #comparing: Promise<void> = Promise.resolve();

  constructor(options: ProjectionOptions, { open, folder, state }: { open: OpenDatabase; folder: ModelFolder; state: LogState }) {
    this.#options = options;
    this.#source = options.source;
    this.#open = open;
    this.#folder = folder;
    this.#state = state;
    this.#damaged = new DamagedFiles(options.clock);
    this.#pageCheck = options.pages === undefined ? undefined : new PageCheck(options.pages, options);
  }

  get store(): Store {
    this.#model.replay.flush();
    return this.#model.store;
  }

  get sequence(): number {
    this.#model.replay.flush();
    return this.#model.replay.sequence;
  }

  recordQuestion(): void {
    this.#model.pace.recordQuestion();
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
      if (file !== undefined)
        this.#announceRebuild(why ?? this.#damaged.whyOf(file) ?? `${file} cannot be read, or another version of Sequent wrote it`);
      this.#startFromZero();
    }
    this.#comparing = this.#compareRepeatedly();
  }

  async status(): Promise<HistoryStatus> {
    const { clock, instance } = this.#options;
    const seen = await readState(this.#source, this.#model, clock);
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
    const until = store.checkpoint?.sequence ?? 0;
    const scratch = join(this.#folder.path, 'check.db');
    const [source, open, created] = [this.#source, this.#open, this.#state.created];
    const found = await this.#checking.run({ source, open, file, until, created, scratch });
    if (found.damage !== undefined) this.#recordDamage(file, found.damage);
    return { instance: this.#options.instance, ...found };
  }

  rebuild(why: string): void {
    if (this.#next !== undefined || this.#isRestarting || this.#stopping.signal.aborted) return;
    this.#announceRebuild(why);
    const { store, file } = this.#openNext();
    this.#next = { ...this.#follow(store, file), why };
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
    return openStore({
      open: this.#open,
      file,
      decode: this.#source.decode,
      onDamage: (error) => this.#recordDamage(file, messageOf(error)),
    });
  }

  #openNext(): { store: Store; file: string } {
    const file = this.#folder.next();
    const store = this.#openFile(file);
    if (store === undefined) throw new Error(`${file} cannot be opened`);
    return { store, file };
  }

  #startFromZero(): void {
    const { store, file } = this.#openNext();
    this.#folder.choose(file);
    this.#live = this.#follow(store, file);
  }

  #announceRebuild(why: string): void {
    this.#rebuilds = [...this.#rebuilds, { at: this.#options.clock.now(), why }].slice(-MAX_REBUILDS);
    this.#options.logger.warn({ folder: this.#folder.path }, `the read model is rebuilt: ${why}`);
  }

  #follow(store: Store, file: string): Model {
    const { logger, clock, timers = systemTimers } = this.#options;
    const pace = new ProjectionPace({ clock, timers, mayHold: () => this.#isReady && this.#live?.store === store });
    const replay = new Replay({
      source: this.#source,
      store,
      created: this.#state.created,
      timers,
      pace,
      onContradiction: (why) => void this.#restart({ why, isDamaged: false }),
      onGap: (gap) => logger.warn(gap, 'the log holds no messages between these two sequences'),
      onStored: () => this.#stored(store),
    });
    replay.done.catch((error: unknown) => {
      logger.error({ file }, `the read model cannot follow the log: ${messageOf(error)}`);
      const why = `${CANNOT_FOLLOW}: ${messageOf(error)}`;
      // A failed replay reads nothing more.
      const isReplaced = (): boolean => this.#live?.replay !== replay && this.#next?.replay !== replay;
      return this.#restartUntil(isReplaced, { why, isDamaged: false, pauseInMs: COMPARE_EVERY_MS });
    });
    return { store, file, replay, pace };
  }

  /** Restarts, with growing pauses, until a read model is replaced. */
  async #restartUntil(isReplaced: () => boolean, { pauseInMs, ...reason }: Reason & { pauseInMs: number }): Promise<void> {
    for (let pause = pauseInMs; ; pause = Math.min(Math.max(pause * 2, COMPARE_EVERY_MS), MAX_PAUSE_IN_MS)) {
      await this.#options.clock.sleep(pause, this.#stopping.signal);
      if (this.#stopping.signal.aborted || isReplaced()) return;
      await this.#restart(reason);
    }
  }

  #stored(store: Store): void {
    if (this.#next?.store === store) this.#replaceWhenCaughtUp();
    else if ((store.checkpoint?.sequence ?? 0) >= this.#state.last) this.#isReady = true;
  }

  /** A file is damaged. The statement that met the damage is in progress, so that its file is replaced afterwards. */
  #recordDamage(file: string, damage: string): void {
    const pauseInMs = this.#damaged.record(file, damage);
    if (pauseInMs !== undefined) void this.#replaceDamaged(file, { why: this.#damaged.whyOf(file) ?? '', pauseInMs });
  }

  async #replaceDamaged(file: string, { why, pauseInMs }: { why: string; pauseInMs: number }): Promise<void> {
    await this.#restartUntil(() => this.#live?.file !== file, { why, isDamaged: true, pauseInMs });
    if (this.#next?.file !== file) return;
    await this.#abandonNext();
    this.rebuild(why);
  }

  /** Replaces the live read model at once, because the log contradicts it, or because its file is damaged. */
  async #restart({ why, isDamaged }: Reason): Promise<void> {
    if (this.#stopping.signal.aborted || this.#isRestarting) return;
    this.#isRestarting = true;
    try {
      this.#announceRebuild(why);
      await this.#abandonNext();
      await this.#checking.abandon(`the read model is rebuilt: ${why}`);
      const old = this.#model;
      await old.replay.stop();
      this.#state = await this.#source.state();
      // A damaged file proves nothing about the log.
      if (!isDamaged) await reportLoss(old.store, this.#options, this.#stopping.signal);
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
      cleanModel(this.#model, this.#options.logger);
      await failure.watch(this.#compare(round % COMPARE_MESSAGE_EVERY === 0));
      void this.#checkPages();
    }
  }

  async #checkPages(): Promise<void> {
    const { file, replay } = this.#model;
    if (this.#next !== undefined || replay.sequence < this.#state.last) return;
    const damage = await this.#pageCheck?.step(this.#model);
    if (damage !== undefined) this.#recordDamage(file, damage);
  }

  async #compare(withMessage: boolean): Promise<void> {
    const seen = await readState(this.#source, this.#model, this.#options.clock);
    const isSuspect = seen.created !== this.#state.created || seen.last < this.#model.replay.sequence;
    const why =
      isSuspect || withMessage ? await findRegression(this.#source, () => this.#model.store.checkpoint, this.#waiting) : undefined;
    if (why !== undefined) await this.#restart({ why, isDamaged: false });
    else if (!isSuspect) this.#state = seen;
    if (this.#model.replay.sequence >= seen.last) this.#isReady = true;
  }
}
