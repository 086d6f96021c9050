import { projectOf } from '#src/core/names/addressable.ts';

/** What the bytes of a project cost the main thread of a process since its start, and its share of the last minute that ended. */
export type ThreadUse = { project: string; usedInMs: number; share: number };

/** Further projects are counted as one. */
const MAX_PROJECTS = 1_000;
const OTHERS = 'other';
const WINDOW_IN_MS = 60_000;

type Used = { inMs: number; inWindow: number; share: number };

/**
 * The time that the main thread of a process spends on the bytes of each project (CPU2). All projects share this thread, so its time is
 * what they take from each other. Each work is synchronous, so its time on the clock is its time on the thread.
 */
export class ThreadTime {
  readonly #used = new Map<string | undefined, Used>();
  readonly #now: () => number;
  #windowAt: number;
  /** A work within another one is counted once. */
  #isCounting = false;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#windowAt = now();
  }

  /** Does a work for the bytes of a function. A promise is counted until its first wait. */
  spendOn<Result>(functionName: string, work: () => Result): Result {
    return this.spend(projectOf(functionName), work);
  }

  /** The same for a project; `undefined` is the own one. */
  spend<Result>(project: string | undefined, work: () => Result): Result {
    if (this.#isCounting) return work();
    this.#isCounting = true;
    const startedAt = this.#now();
    try {
      return work();
    } finally {
      this.#isCounting = false;
      this.#add(project, this.#now() - startedAt);
    }
  }

  /** The projects that used the most come first. */
  useOf(ownProject: string): ThreadUse[] {
    this.#turnWindow();
    const byName = new Map<string, ThreadUse>();
    for (const [project = ownProject, { inMs, share }] of this.#used) {
      const before = byName.get(project) ?? { project, usedInMs: 0, share: 0 };
      byName.set(project, { project, usedInMs: before.usedInMs + inMs, share: before.share + share });
    }
    return [...byName.values()].sort((one, other) => other.usedInMs - one.usedInMs);
  }

  #add(project: string | undefined, inMs: number): void {
    this.#turnWindow();
    const key = this.#used.has(project) || this.#used.size < MAX_PROJECTS ? project : OTHERS;
    const used = this.#used.get(key);
    if (used === undefined) this.#used.set(key, { inMs, inWindow: inMs, share: 0 });
    else {
      used.inMs += inMs;
      used.inWindow += inMs;
    }
  }

  #turnWindow(): void {
    const inMs = this.#now() - this.#windowAt;
    if (inMs < WINDOW_IN_MS) return;
    this.#windowAt += inMs;
    for (const used of this.#used.values()) {
      used.share = used.inWindow / inMs;
      used.inWindow = 0;
    }
  }
}

/** The time of this process, which has one main thread. */
export const threadTime = new ThreadTime();
