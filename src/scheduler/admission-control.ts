import { messageOf } from '#src/core/errors.ts';
import type { Admission, LogCapacity } from '#src/core/ports/admission.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { OpenStreams } from './open-streams.ts';

export type AdmissionControlOptions = {
  admission: Admission;
  open: Pick<OpenStreams, 'size' | 'requestBytes' | 'next'>;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
};

const LOOK_EVERY_MS = 100;
const LOOK_AT_UNLIMITED_EVERY_MS = 5_000;
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
 * Several schedulers may control the admission, because they judge by the same log.
 */
export async function controlAdmission(options: AdmissionControlOptions): Promise<void> {
  const { admission, open, clock, logger, signal } = options;
  let problem = '';
  while (!signal.aborted) {
    let pauseInMs = LOOK_EVERY_MS;
    try {
      const capacity = await admission.capacity();
      const wanted = judgeAdmission(capacity, open);
      if (wanted !== capacity.isAdmitting) await change(wanted, capacity);
      if (capacity.maxBytes === undefined) pauseInMs = LOOK_AT_UNLIMITED_EVERY_MS;
      problem = '';
    } catch (error) {
      const text = messageOf(error);
      if (text !== problem) logger.warn({ error: text }, 'the scheduler cannot control whether the log admits requests');
      problem = text;
      pauseInMs = LOOK_AT_UNLIMITED_EVERY_MS;
    }
    await clock.sleep(pauseInMs, signal);
  }

  async function change(isAdmitting: boolean, { bytes, maxBytes }: LogCapacity): Promise<void> {
    await admission.admit(isAdmitting);
    const facts = { bytes, maxBytes, open: open.size };
    if (isAdmitting) logger.warn(facts, 'the log accepts requests again');
    else logger.warn(facts, 'the log refuses requests: its remaining space is kept for the invocations that it accepted');
  }
}

/** Whether the log should admit requests. A scheduler that has not read the whole log knows too few open invocations to admit any (ADM3). */
export function judgeAdmission(
  { bytes, maxBytes, last, isAdmitting }: LogCapacity,
  { size, requestBytes, next }: AdmissionControlOptions['open'],
): boolean {
  if (maxBytes === undefined) return true;
  const need = size * NEED_OF_A_STREAM_IN_BYTES + requestBytes * NEED_FOR_EACH_REQUEST_BYTE;
  const share = (bytes + need) / maxBytes;
  if (isAdmitting) return share < REFUSE_AT;
  return share < ADMIT_BELOW && next > last;
}
