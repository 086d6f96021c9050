import { messageOf } from '#src/core/errors.ts';
import type { StreamName } from '#src/core/log/event-log.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { isFunctionName, isRequestId } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { PayloadOwner, PayloadRemoval } from '#src/core/ports/stores/payload-store.ts';

export type SweepPayloads = {
  stored: PayloadRemoval;
  /** Resolves to false when the open streams may lack a request that the log accepted before the call. */
  catchUp: () => Promise<boolean>;
  /** Whether the log has the stream: it is open, or has appends. */
  isInLog: (name: StreamName) => Promise<boolean>;
  clock: Clock;
  /** How long an object stays whose request is not in the log, because the request is published after the object. In milliseconds. */
  graceInMs?: number;
};

const EVERY_MS = 600_000;
const GRACE_IN_MS = 3_600_000;

/** Removes the large payloads whose invocations the log no longer has, or never had (BIG4). Resolves to the number of removed ones. */
export async function sweepPayloads({ stored, catchUp, isInLog, clock, graceInMs = GRACE_IN_MS }: SweepPayloads): Promise<number> {
  const cutoff = clock.now() - graceInMs;
  const isOld = ({ storedAt }: { storedAt: number }): boolean => storedAt < cutoff;
  let removed = 0;
  const old = (await stored.list()).filter(isOld);
  // Every request that refers to one of these objects is in the log by now, and before its end.
  if (old.length > 0 && !(await catchUp())) return 0;
  for (const payload of old) {
    const name = streamNameOf(payload.owner);
    if (name !== undefined && (await isInLog(name))) continue;
    await stored.remove(payload);
    removed++;
  }
  for (const { parts } of (await stored.looseParts()).filter(isOld)) {
    await stored.removeParts(parts);
    removed++;
  }
  return removed;
}

/** Sweeps every ten minutes until the signal aborts. Several processes may sweep concurrently. */
export async function sweepPayloadsRegularly(options: SweepPayloads & { logger: Logger }, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal);
    if (signal.aborted) return;
    try {
      const removed = await sweepPayloads(options);
      if (removed > 0) logger.info({ removed }, 'removed the large payloads whose invocations are no longer in the log');
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'the large payloads could not be swept');
    }
  }
}

function streamNameOf(owner: PayloadOwner | undefined): StreamName | undefined {
  if (owner === undefined || !isFunctionName(owner.function) || !isRequestId(owner.invocation)) return undefined;
  return { function: owner.function, stream: streamOf(owner.invocation) };
}
