import { messageOf } from '#src/core/errors.ts';
import type { Admission, LogCapacity } from '#src/core/ports/admission.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { OpenStreams } from './open/open-streams.ts';

export type AdmissionControlOptions = {
  admission: Admission;
  open: Pick<OpenStreams, 'size' | 'requestBytes' | 'next'>;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
};

/** The longest and the shortest time between two looks. */
const LOOK_EVERY_MS = 100;
const LOOK_OFTEN_EVERY_MS = 10;
const LOOK_AT_UNLIMITED_EVERY_MS = 5_000;
/** Until a decision has taken effect, the log grows on. */
const TAKES_EFFECT_AFTER_MS = 20;
/** A log that refused because of a burst does not accept the rest of the burst at once. */
const REFUSE_AT_LEAST_MS = 1_000;
/** The appends of a stream with one small request, with all its retries and deliveries. A success takes 1.4 KB. */
const NEED_OF_A_STREAM_IN_BYTES = 3_072;
/** A batch, or a large payload, leads to appends of about its own size. */
const NEED_FOR_EACH_REQUEST_BYTE = 3;
/** The shares of the limit at which the log refuses and admits requests. The distance prevents repeated changes. */
const REFUSE_AT = 0.9;
const ADMIT_BELOW = 0.8;

/**
 * Keeps space in a log with a size limit for the appends of the accepted invocations. Keeps ADM1 to ADM3.
 *
 * The nearer the limit and the faster the log grows, the more often this function looks. Several schedulers may control the admission,
 * because they judge by the same log.
 */
export async function controlAdmission(options: AdmissionControlOptions): Promise<void> {
  const { admission, open, clock, logger, signal } = options;
  let problem = '';
  let last: { at: number; bytes: number } | undefined;
  let refusedAt = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    let pauseInMs = LOOK_AT_UNLIMITED_EVERY_MS;
    try {
      const capacity = await admission.capacity();
      const growth = growthBetween(last, { at: clock.now(), bytes: capacity.bytes });
      last = { at: clock.now(), bytes: capacity.bytes };
      pauseInMs = pauseUntilNextLook(capacity, open, growth);
      const wanted = judgeAdmission(capacity, open, growth * (pauseInMs + TAKES_EFFECT_AFTER_MS));
      const isTooSoon = wanted && clock.now() - refusedAt < REFUSE_AT_LEAST_MS;
      if (wanted !== capacity.isAdmitting && !isTooSoon) await change(wanted, capacity);
      problem = '';
    } catch (error) {
      const text = messageOf(error);
      if (text !== problem) logger.warn({ error: text }, 'the scheduler cannot control whether the log admits requests');
      problem = text;
    }
    await clock.sleep(pauseInMs, signal);
  }

  async function change(isAdmitting: boolean, { bytes, maxBytes }: LogCapacity): Promise<void> {
    await admission.admit(isAdmitting);
    if (!isAdmitting) refusedAt = clock.now();
    const facts = { bytes, maxBytes, open: open.size };
    if (isAdmitting) logger.warn(facts, 'the log accepts requests again');
    else logger.warn(facts, 'the log refuses requests: its remaining space is kept for the invocations that it accepted');
  }
}

type Open = AdmissionControlOptions['open'];

/**
 * Whether the log should admit requests. `growth` is how many bytes the log may grow until the next decision. A scheduler that has not read
 * the whole log knows too few open invocations to admit any (ADM3).
 */
export function judgeAdmission(capacity: LogCapacity, open: Open, growth = 0): boolean {
  const { maxBytes, last, isAdmitting } = capacity;
  if (maxBytes === undefined) return true;
  if (isAdmitting) return shareOf(capacity, open, growth) < REFUSE_AT;
  return shareOf(capacity, open) < ADMIT_BELOW && open.next > last;
}

/** The share of the limit that is stored, or needed for the open invocations, or that the log may grow. */
function shareOf({ bytes, maxBytes = Number.POSITIVE_INFINITY }: LogCapacity, { size, requestBytes }: Open, growth = 0): number {
  const need = size * NEED_OF_A_STREAM_IN_BYTES + requestBytes * NEED_FOR_EACH_REQUEST_BYTE;
  return (bytes + need + growth) / maxBytes;
}

type Look = { at: number; bytes: number };

/** How fast the log grows, in bytes for each millisecond; 0 while it becomes shorter. */
function growthBetween(last: Look | undefined, { at, bytes }: Look): number {
  return last === undefined || at <= last.at ? 0 : Math.max(0, bytes - last.bytes) / (at - last.at);
}

function pauseUntilNextLook(capacity: LogCapacity, open: Open, growth: number): number {
  if (capacity.maxBytes === undefined) return LOOK_AT_UNLIMITED_EVERY_MS;
  if (!capacity.isAdmitting) return LOOK_EVERY_MS;
  const left = REFUSE_AT - shareOf(capacity, open, growth * LOOK_EVERY_MS);
  return Math.min(LOOK_EVERY_MS, Math.max(LOOK_OFTEN_EVERY_MS, LOOK_EVERY_MS * (left / (REFUSE_AT / 2))));
}
