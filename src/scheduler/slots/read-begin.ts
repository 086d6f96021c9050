import type { SchedulerOptions } from '#src/scheduler/ports.ts';

type Options = Pick<SchedulerOptions, 'log'> & {
  /** The sequence after the newest message of the log that was read. */
  next: () => number;
  /** Called when the last message is known, or cannot be read now. */
  onAnswer: () => void;
};

/** Whether the log is read up to the message that was its last one at the start: what waits before that may have ended. */
export class ReadBegin {
  readonly #options: Options;
  #begin: number | undefined;
  #isAsking = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Asks for the last message, unless it is known. */
  get isReached(): boolean {
    if (this.#begin !== undefined) return this.#options.next() > this.#begin;
    if (!this.#isAsking) void this.#ask();
    return false;
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    this.#begin = await this.#options.log.lastSequence().catch(() => undefined);
    this.#isAsking = false;
    this.#options.onAnswer();
  }
}
