import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';

/** The wrong tokens after which an address must wait: a person who mistypes a token does not wait. */
const FREE_FAILURES = 5;
const FIRST_WAIT_IN_MS = 1_000;
const MAX_WAIT_IN_MS = 60_000;
const FORGOTTEN_AFTER_MS = 10 * 60_000;
const MAX_ADDRESSES = 10_000;

/** Counts and logs the wrong credentials of each network address, and delays the answers to wrong tokens from an address with many failures. */
export interface FailedAttempts {
  /**
   * Throws `HttpError` 429 while the address must wait. A known token never waits: behind one reverse proxy all callers have one address, and
   * wrong tokens of one of them must not lock the others out. A token of at least 16 characters is no guess.
   */
  checkWait(address: string): void;
  /** Logs the 1st, 2nd, 4th, 8th … failure of an address, so that an attack does not fill the log. */
  record(address: string, why: string): void;
  forget(address: string): void;
}

export function createFailedAttempts({ clock, logger }: { clock: Clock; logger: Logger }): FailedAttempts {
  const known = new Map<string, { failures: number; at: number }>();

  function find(address: string): { failures: number; at: number } | undefined {
    const found = known.get(address);
    return found === undefined || clock.now() - found.at > FORGOTTEN_AFTER_MS ? undefined : found;
  }

  return {
    checkWait(address) {
      const { failures, at } = find(address) ?? { failures: 0, at: 0 };
      if (failures < FREE_FAILURES) return;
      const wait = Math.min(MAX_WAIT_IN_MS, FIRST_WAIT_IN_MS * 2 ** (failures - FREE_FAILURES));
      const remainingInMs = at + wait - clock.now();
      if (remainingInMs <= 0) return;
      const message = 'too many wrong tokens came from this address; try again later';
      throw new HttpError({ status: 429, message, retryAfterInS: Math.ceil(remainingInMs / 1_000) });
    },
    record(address, why) {
      const failures = (find(address)?.failures ?? 0) + 1;
      known.delete(address);
      // A `Map` keeps the order of insertion, so its first address has the oldest failure.
      const [oldest] = known.size >= MAX_ADDRESSES ? known.keys() : [];
      if (oldest !== undefined) known.delete(oldest);
      known.set(address, { failures, at: clock.now() });
      if (Number.isInteger(Math.log2(failures))) logger.warn({ address, failures, why }, 'a caller was refused');
    },
    forget: (address) => void known.delete(address),
  };
}
