import { stat } from 'node:fs/promises';
import { messageOf } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { Model } from '#src/projection/store/model.ts';
import { tablesWithPages } from './damage.ts';

/** Reads all pages of these tables from the disk. Resolves to the first damage, and to `undefined` without a damage. */
export type CheckPages = (file: string, tables: readonly string[]) => Promise<string | undefined>;

export type PageCheckOptions = { check: CheckPages; everyInMs: number };

type Checked = Pick<Model, 'store' | 'file' | 'pace'>;
/**
 * The tables of a file of at most this size are checked in one step, which reads them within a second: each step starts a thread, and the
 * threads for the tables of an empty file took 2.4 s of processor time within the first half minute of each projection.
 */
const CHECKED_AT_ONCE_IN_BYTES = 64_000_000;

type Ports = { clock: Pick<Clock, 'now'>; logger: Logger };

/**
 * Looks for damaged pages of a file that no query reads: all tables once in each `everyInMs`, in each step one table of a large file, or all
 * tables of a small one. A query may never read the damaged page, and the cache of the connection hides it.
 */
export class PageCheck {
  readonly #options: PageCheckOptions;
  readonly #ports: Ports;
  #left: string[] = [];
  #file: string | undefined;
  #nextAt = 0;
  #isRunning = false;

  constructor(options: PageCheckOptions, ports: Ports) {
    this.#options = options;
    this.#ports = ports;
  }

  /** Checks the next tables, if some are due, no step runs, and the projection is idle. Resolves to the damage. */
  async step({ store, file, pace }: Checked): Promise<string | undefined> {
    if (this.#isRunning || !pace.isIdle()) return undefined;
    this.#isRunning = true;
    try {
      if (!this.#begin({ store, file })) return undefined;
      const { size } = await stat(file);
      const tables = this.#left.splice(0, size > CHECKED_AT_ONCE_IN_BYTES ? 1 : this.#left.length);
      return tables.length === 0 ? undefined : await this.#options.check(file, tables);
    } catch (error) {
      // The file was replaced, or the disk is busy. A damaged schema is met by the statement that lists the tables, and is noted there.
      this.#ports.logger.warn({ file }, `the pages of the read model cannot be checked: ${messageOf(error)}`);
      return undefined;
    } finally {
      this.#isRunning = false;
    }
  }

  /** Whether tables are to be checked. A round begins anew for another file. */
  #begin({ store, file }: Omit<Checked, 'pace'>): boolean {
    if (this.#file === file && this.#left.length > 0) return true;
    if (this.#file === file && this.#ports.clock.now() < this.#nextAt) return false;
    this.#file = file;
    this.#nextAt = this.#ports.clock.now() + this.#options.everyInMs;
    this.#left = tablesWithPages(store.database);
    return true;
  }
}
