import { threadTime } from '#src/core/quotas/thread-time.ts';

/** How long a worker answers questions in a second: for all projects together, and for one of them. */
const MAX_MS = 200;
const MAX_MS_OF_PROJECT = 50;
const SECOND_IN_MS = 1_000;

/**
 * The time of a second that goes to answers about the functions of each project. Half of it is for the projects that ask in this second, in equal
 * parts, so that the readers of one project, however many they are, take the answers of no other one (SHARE1). A question beyond gets no answer,
 * and is repeated.
 */
export class AnswerTime {
  readonly #now: () => number;
  readonly #spent = new Map<string | undefined, number>();
  #all = 0;
  #since = Number.NEGATIVE_INFINITY;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  isLeftFor(project: string | undefined): boolean {
    if (this.#now() - this.#since >= SECOND_IN_MS) {
      this.#since = this.#now();
      this.#spent.clear();
      this.#all = 0;
    }
    const spent = this.#spent.get(project) ?? 0;
    this.#spent.set(project, spent);
    return spent < MAX_MS / 2 / this.#spent.size || (spent < MAX_MS_OF_PROJECT && this.#all < MAX_MS);
  }

  /** Makes an answer, and counts its time. */
  spend<Answer>(project: string | undefined, make: () => Answer): Answer {
    const startedAt = this.#now();
    try {
      return threadTime.spend(project, make);
    } finally {
      const inMs = this.#now() - startedAt;
      this.#spent.set(project, (this.#spent.get(project) ?? 0) + inMs);
      this.#all += inMs;
    }
  }
}
