import { join } from 'node:path';
import { messageOf } from '#src/core/errors.ts';
import type { HistoryCheck, HistoryStatus } from '#src/core/history-questions.ts';
import { ERASED, type LogSource, type LogState } from '#src/core/log/log-source.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { checkAgainstLog } from './check.ts';
import { type ModelFolder, takeModelFolder } from './folder.ts';
import { type Replay, startReplay } from './replay.ts';
import { findSqlite, type OpenDatabase } from './sqlite.ts';
import { openStore, type Store } from './store.ts';

export type ProjectionOptions = {
  source: LogSource;
  /** Where the files of this and other processes are. */
  folder: string;
  instance: string;
  clock: Clock;
  logger: Logger;
};

/** A read model of the log that follows it, and is built anew, loudly, whenever the log contradicts it (P1). */
export interface Projection {
  /** What is asked now. Another one after a rebuild: do not keep it. */
  readonly store: Store;
  status(): Promise<HistoryStatus>;
  /** Builds a second read model from zero up to the present, and compares all rows. */
  check(): Promise<HistoryCheck>;
  /** Builds a new one beside the one that serves, and takes its place. */
  rebuild(why: string): void;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;
const LONGEST_PAUSE_IN_MS = 60_000;

/** Resolves when it serves; it may still be catching up. */
export async function openProjection(options: ProjectionOptions): Promise<Projection> {
  const open = await findSqlite();
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

/** A read model that grows: the file, and what reads the log into it. */
type Model = { store: Store; file: string; replay: Replay };

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
  #checking: Promise<HistoryCheck> | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: ProjectionOptions, { open, folder, state }: { open: OpenDatabase; folder: ModelFolder; state: LogState }) {
    this.#options = options;
    this.#source = options.source;
    this.#open = open;
    this.#folder = folder;
    this.#state = state;
  }

  get store(): Store {
    return this.#model.store;
  }

  get #model(): Model {
    if (this.#live === undefined) throw new Error('the projection did not start');
    return this.#live;
  }

  /** Goes on from the file that is there, unless the log contradicts it. */
  async start(): Promise<void> {
    const file = this.#folder.current;
    const store = file === undefined ? undefined : this.#openFile(file);
    const why = store === undefined ? undefined : await contradiction(this.#source, this.#state, store);
    if (file !== undefined && store !== undefined && why === undefined) this.#live = this.#follow(store, file);
    else {
      store?.close();
      if (file !== undefined) this.#shout(why ?? `${file} cannot be read, or another version of Sequent wrote it`);
      this.#startFromZero();
    }
    this.#looking = this.#lookAgainAndAgain();
  }

  async status(): Promise<HistoryStatus> {
    const { clock, instance } = this.#options;
    const seen = await this.#source.state();
    const { store, replay, file } = this.#model;
    const lag = Math.max(0, seen.last - replay.sequence);
    return {
      instance,
      file,
      created: seen.created,
      sequence: replay.sequence,
      last: seen.last,
      lag,
      lagInMs: lag === 0 ? 0 : Math.max(0, clock.now() - (store.checkpoint?.at ?? clock.now())),
      problems: Number(store.database.prepare('SELECT count(*) FROM problems').get()?.[0] ?? 0),
      open: replay.open,
      memoryInBytes: process.memoryUsage.rss(),
      isReady: this.#isReady && !this.#isRestarting && seen.created === this.#state.created && seen.last >= replay.sequence,
      rebuild: this.#next === undefined ? null : progressOf(this.#next, seen.last),
      rebuilds: [...this.#rebuilds],
    };
  }

  check(): Promise<HistoryCheck> {
    const { store, file } = this.#model;
    const { instance } = this.#options;
    const until = store.checkpoint?.sequence ?? 0;
    const scratch = join(this.#folder.path, 'check.db');
    this.#checking ??= checkAgainstLog({ source: this.#source, open: this.#open, file, until, created: this.#state.created, scratch })
      .then((found) => ({ instance, ...found }))
      .finally(() => {
        this.#checking = undefined;
      });
    return this.#checking;
  }

  rebuild(why: string): void {
    if (this.#next !== undefined || this.#isRestarting || this.#stopping.signal.aborted) return;
    this.#shout(why);
    const file = this.#folder.next();
    this.#next = { ...this.#follow(this.#openNew(file), file), why };
    this.#takeOverWhenReady();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#looking;
    await this.#checking?.catch(() => {});
    await this.#abandonNext();
    await close(this.#model);
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

  #shout(why: string): void {
    this.#rebuilds.push({ at: this.#options.clock.now(), why });
    this.#options.logger.warn({ folder: this.#folder.path }, `the read model is built anew: ${why}`);
  }

  #follow(store: Store, file: string): Model {
    const { logger } = this.#options;
    const replay = startReplay({
      source: this.#source,
      store,
      created: this.#state.created,
      onContradiction: (why) => void this.#restart(why),
      onGap: (gap) => logger.warn(gap, 'the log holds no messages between these two sequences'),
      onStored: () => this.#stored(store),
    });
    replay.done.catch((error: unknown) => {
      logger.error({ file }, `the read model cannot be written: ${messageOf(error)}`);
      return this.#replace(replay, `it could not be written: ${messageOf(error)}`);
    });
    return { store, file, replay };
  }

  /** A replay that failed reads nothing more: tries, with growing pauses, until another one has taken its place. */
  async #replace(replay: Replay, why: string): Promise<void> {
    const { signal } = this.#stopping;
    for (let pauseInMs = LOOK_EVERY_MS; ; pauseInMs = Math.min(pauseInMs * 2, LONGEST_PAUSE_IN_MS)) {
      await this.#options.clock.sleep(pauseInMs, signal);
      if (signal.aborted || (this.#live?.replay !== replay && this.#next?.replay !== replay)) return;
      await this.#restart(why);
    }
  }

  #stored(store: Store): void {
    if (this.#next?.store === store) this.#takeOverWhenReady();
    else if ((store.checkpoint?.sequence ?? 0) >= this.#state.last) this.#isReady = true;
  }

  /** What is served now contradicts the log: it serves no longer. */
  async #restart(why: string): Promise<void> {
    if (this.#stopping.signal.aborted || this.#isRestarting) return;
    this.#isRestarting = true;
    try {
      this.#shout(why);
      await this.#abandonNext();
      const old = this.#model;
      await old.replay.stop();
      this.#state = await this.#source.state();
      this.#isReady = false;
      this.#startFromZero();
      old.store.close();
    } catch (error) {
      // Looked at again within a second: the log still contradicts.
      this.#options.logger.error({}, `the read model cannot be built anew yet: ${messageOf(error)}`);
    } finally {
      this.#isRestarting = false;
    }
  }

  /** The new one holds as much as the old one: in one step it serves in its place. */
  #takeOverWhenReady(): void {
    if (this.#next === undefined || this.#next.replay.sequence < this.#model.replay.sequence) return;
    const old = this.#model;
    this.#live = this.#next;
    this.#next = undefined;
    this.#folder.choose(this.#live.file);
    this.#options.logger.warn({ folder: this.#folder.path }, 'the new read model serves');
    void close(old);
  }

  async #abandonNext(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) await close(next);
  }

  async #lookAgainAndAgain(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await this.#options.clock.sleep(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
      this.#clean();
      const seen = await this.#source.state().catch(() => undefined);
      if (seen !== undefined) await this.#compare(seen);
    }
  }

  #clean(): void {
    try {
      this.#model.store.clean();
    } catch (error) {
      // The disk is full, or another process reads: it is tried again within a second.
      this.#options.logger.warn({}, `the journal of the read model cannot be emptied yet: ${messageOf(error)}`);
    }
  }

  /** Finds what reading along does not notice: a log made anew that is already longer than the old one. */
  async #compare(seen: LogState): Promise<void> {
    const { sequence } = this.#model.replay;
    if (seen.created !== this.#state.created) await this.#restart(`the log was made anew on ${seen.created}`);
    else if (seen.last < sequence) await this.#restart(`the log ends at ${seen.last}, and ${sequence} were read`);
    else this.#state = seen;
    if (this.#model.replay.sequence >= seen.last) this.#isReady = true;
  }
}

async function close({ replay, store }: Model): Promise<void> {
  await replay.stop();
  store.close();
}

/** Why what is stored is not of this log; `undefined` when it is. */
async function contradiction(source: LogSource, state: LogState, { checkpoint }: Store): Promise<string | undefined> {
  if (checkpoint === undefined) return undefined;
  const { sequence, fingerprint, created, missing } = checkpoint;
  if (created !== state.created) return `it is of a log made on ${created}, and this one was made on ${state.created}`;
  if (state.last < sequence) return `the log ends at ${state.last}, and ${sequence} were read`;
  const lacking = await source.missing();
  if (lacking !== missing) return `${lacking} messages are missing in the log; when it was read, ${missing} were`;
  const found = await source.fingerprintAt(sequence);
  return found === fingerprint || found === ERASED ? undefined : `message ${sequence} is not the one that was read`;
}

function progressOf({ replay, why }: Model & { why: string }, target: number): NonNullable<HistoryStatus['rebuild']> {
  const { sequence, perSecond } = replay;
  const percent = target === 0 ? 100 : Math.min(100, Math.round((sequence / target) * 1_000) / 10);
  const secondsLeft = perSecond === 0 ? null : Math.ceil(Math.max(0, target - sequence) / perSecond);
  return { why, sequence, target, perSecond, percent, secondsLeft };
}
