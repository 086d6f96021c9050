import { messageOf } from '#src/core/errors.ts';
import { shortestAgeInMs } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { levelOf } from '#src/core/ports/logger.ts';
import { readFloor, saveFloor } from '#src/core/ports/scheduler-floor.ts';
import { type Inspection, inspectStream } from './inspect-stream.ts';
import { createOpenStreams, type OpenStream, type OpenStreams } from './open-streams.ts';
import type { SchedulerOptions } from './ports.ts';

export interface Scheduler {
  readonly open: OpenStreams;
  stop(): Promise<void>;
}

const TICK_IN_MS = 25;
const LOOKS_AT_ONCE = 64;
const LONGEST_PAUSE_IN_MS = 60_000;
const LONGEST_QUEUED_PAUSE_IN_MS = 900_000;
const SAVE_FLOOR_EVERY_MS = 5_000;
const UNKNOWN_GRACE_IN_MS = 1_000;

/**
 * Acts when time passes: a retry is due, an event or a delivery became too old, a worker is gone, nobody tells an outcome, nobody knows
 * the function. The one backstop of liveness: with every consumer deleted, everything still ends.
 *
 * It appends by expected version and gives hints, and does nothing else: so several may run at once.
 */
export async function startScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const { log, hints, clock, state, functions, patienceInMs, logger } = options;
  const stopping = new AbortController();
  const open = createOpenStreams({
    patienceInMs,
    unknownGraceInMs: UNKNOWN_GRACE_IN_MS,
    maxAgeOf,
  });
  options.openRequests.answer((stream, functionName) => {
    const named = functionName === undefined ? undefined : open.find(`${functionName}.${stream}`);
    if (functionName !== undefined) return named?.request === undefined ? undefined : { name: named.name, request: named.request };
    for (const { name, request } of open.values()) if (name.stream === stream && request !== undefined) return { name, request };
    return undefined;
  }, stopping.signal);
  const following = log.follow(await startingFloor(options), open.fold, stopping.signal);
  const backlog = createBacklog(options);
  const looks = new Set<Promise<void>>();
  const ticking = tick();

  async function tick(): Promise<void> {
    let savedAt = clock.now();
    while (!stopping.signal.aborted) {
      const now = clock.now();
      for (let due = open.takeDue(now); due !== undefined; due = open.takeDue(now)) {
        const look = attend(due).finally(() => looks.delete(look));
        looks.add(look);
        if (looks.size >= LOOKS_AT_ONCE) await Promise.race(looks);
      }
      if (now - savedAt > SAVE_FLOOR_EVERY_MS) {
        savedAt = now;
        await saveFloor(state, open.floor).catch(() => {});
      }
      await clock.sleep(TICK_IN_MS, stopping.signal);
    }
  }

  async function attend(stream: OpenStream): Promise<void> {
    const now = clock.now();
    const pause = Math.min(patienceInMs * 2 ** stream.inspections, LONGEST_PAUSE_IN_MS);
    try {
      // The common case, and the only one that others wait for: a retry is due. Whoever gets the hint decides.
      if (stream.inspections === 0 && hint(stream, now)) {
        stream.inspections++;
        open.inspectAgain(stream, now + patienceInMs);
        return;
      }
      const endsAt = endOfQueueing(stream);
      if (endsAt !== undefined && now < endsAt && (await backlog.holds(stream))) {
        // It waits for its turn, as it should: reading every request of a long queue would only slow the queue down.
        stream.inspections++;
        open.inspectAgain(stream, Math.min(now + pause, endsAt));
      } else {
        follow(stream, await inspectStream(stream, options), pause);
      }
    } catch (error) {
      logger[levelOf(error)](
        { stream: stream.name.stream, function: stream.name.function, error: messageOf(error) },
        'the scheduler could not look at a stream',
      );
      open.inspectAgain(stream, now + pause);
    }
  }

  function maxAgeOf(name: FunctionName): number | undefined {
    const found = functions.get(name);
    return found === undefined ? undefined : shortestAgeInMs(found);
  }

  /** When a request can become too old that nothing was appended about; `undefined` for others, and for unknown functions. */
  function endOfQueueing({ name, request, version, acceptedAt }: OpenStream): number | undefined {
    const ageInMs = maxAgeOf(name.function);
    if (ageInMs === undefined || acceptedAt === undefined || version !== request) return undefined;
    return acceptedAt + ageInMs;
  }

  function follow(stream: OpenStream, found: Inspection, pause: number): void {
    if (found.kind === 'settled') return open.remove(stream);
    // A hint for a delivery stays in the queue until somebody takes it: a backlog need not be read again and again.
    const queuedPause = Math.min(LONGEST_PAUSE_IN_MS * 2 ** Math.max(0, stream.inspections - 1), LONGEST_QUEUED_PAUSE_IN_MS);
    open.inspectAgain(stream, Math.min(clock.now() + (found.isQueued ? queuedPause : pause), found.nextAt));
  }

  /** False when nothing is due yet. */
  function hint({ name, request, version, dueAt, deliverAt }: OpenStream, now: number): boolean {
    if (request === undefined) return false;
    const id = `${name.stream}.${version}.0`;
    const isAttemptDue = dueAt !== undefined && dueAt <= now;
    const isTryDue = deliverAt !== undefined && deliverAt <= now;
    if (isAttemptDue) hints.wake(name, request, id);
    if (isTryDue) hints.deliver(name, request, id);
    return isAttemptDue || isTryDue;
  }

  return {
    open,
    async stop() {
      stopping.abort();
      await Promise.all([ticking, following, ...looks]);
      await saveFloor(state, open.floor).catch(() => {});
    },
  };
}

/** Which requests still stand in the queue of their function; asked once a second at most. */
function createBacklog({ deliveredUpTo, clock }: SchedulerOptions): { holds(stream: OpenStream): Promise<boolean> } {
  const asked = new Map<FunctionName, { at: number; upTo: Promise<number> }>();
  return {
    async holds({ name, request }) {
      if (request === undefined) return false;
      const last = asked.get(name.function);
      const isFresh = last !== undefined && clock.now() - last.at < 1_000;
      const answer = isFresh ? last : { at: clock.now(), upTo: deliveredUpTo(name.function) };
      asked.set(name.function, answer);
      return request > (await answer.upTo);
    },
  };
}

async function startingFloor({ state, log, logger }: SchedulerOptions): Promise<number> {
  const floor = (await readFloor(state)) ?? 1;
  const last = await log.lastSequence();
  if (floor <= last + 1) return floor;
  logger.error(
    { floor, last },
    'the log is shorter than it was: it lost messages or was made anew; the scheduler reads it from its beginning',
  );
  return 1;
}
