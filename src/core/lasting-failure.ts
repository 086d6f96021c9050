import { messageOf } from './errors.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';

/** A check that is repeated each second fails while NATS restarts. A failure that lasts longer than this is reported. */
const REPORT_AFTER_MS = 60_000;
const REPORT_AGAIN_AFTER_MS = 3_600_000;

/** Reports the failure of a repeated check once it lasts for a minute, again every hour, and when it is over. */
export class LastingFailure {
  readonly #what: string;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #logger: Logger;
  #since: number | undefined;
  #reportAt = 0;
  #isReported = false;

  /** `what`: the check, as the subject of a sentence. */
  constructor(what: string, { clock, logger }: { clock: Pick<Clock, 'now'>; logger: Logger }) {
    this.#what = what;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Resolves when the check has ended, whether it failed or not. */
  async watch(check: Promise<unknown>): Promise<void> {
    await check.then(
      () => this.succeeded(),
      (error: unknown) => this.failed(error),
    );
  }

  failed(error: unknown): void {
    const now = this.#clock.now();
    if (this.#since === undefined) {
      this.#since = now;
      this.#reportAt = now + REPORT_AFTER_MS;
    }
    if (now < this.#reportAt) return;
    this.#reportAt = now + REPORT_AGAIN_AFTER_MS;
    this.#isReported = true;
    const since = new Date(this.#since).toISOString();
    this.#logger.warn({ since, error: messageOf(error) }, `${this.#what} fails since ${since}, and is tried again`);
  }

  succeeded(): void {
    if (this.#isReported) this.#logger.info({}, `${this.#what} succeeds again`);
    this.#since = undefined;
    this.#isReported = false;
  }
}
