/** What the log holds for a project, up to a sequence. */
export type CountedUsage = { sequence: number; open: number };

type Settled = { sequence: number; count: number };

/** Bounds the memory while nothing is counted. */
const MAX_SETTLED = 1_000;

/**
 * The open invocations of one project, as one gateway knows them: those that the log was counted to have, and those that this gateway sent
 * since then. The latter are subtracted once the count has reached the sequence that the log had acknowledged when each was accepted (QUO3).
 */
export class OpenRequests {
  #counted: CountedUsage = { sequence: 0, open: 0 };
  #inFlight = 0;
  #settled: Settled[] = [];

  /** The invocations that the log is known to have. */
  get counted(): number {
    return this.#counted.open;
  }

  /** The requests that this gateway sent and that are not counted yet. */
  get uncounted(): number {
    return this.#inFlight + this.#settled.reduce((sum, { count }) => sum + count, 0);
  }

  send(count: number): void {
    this.#inFlight += count;
  }

  /** `acknowledged`: the newest sequence that the log acknowledged; `undefined` when the request was not accepted. */
  settle(count: number, acknowledged: number | undefined): void {
    this.#inFlight -= count;
    if (acknowledged === undefined || acknowledged <= this.#counted.sequence) return;
    const last = this.#settled.at(-1);
    if (last !== undefined && (last.sequence === acknowledged || this.#settled.length >= MAX_SETTLED)) {
      last.count += count;
      last.sequence = Math.max(last.sequence, acknowledged);
    } else this.#settled.push({ sequence: acknowledged, count });
  }

  setCounted(counted: CountedUsage): void {
    this.#counted = counted;
    this.#settled = this.#settled.filter(({ sequence }) => sequence > counted.sequence);
  }
}
