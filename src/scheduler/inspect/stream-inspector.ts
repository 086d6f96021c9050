import { messageOf } from '#src/core/errors.ts';
import { shortestAgeInMs } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { levelOf } from '#src/core/ports/logger.ts';
import type { OpenStreams } from '#src/scheduler/open/open-streams.ts';
import type { OpenStream } from '#src/scheduler/open/stream-records.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';
import { type Backlog, createBacklog } from './backlog.ts';
import { type Inspection, inspectStream } from './inspect-stream.ts';

const MAX_PAUSE_IN_MS = 60_000;
const MAX_QUEUED_PAUSE_IN_MS = 900_000;

/** The maximum age of a request of a function, in milliseconds; `undefined` for an unknown function. */
export function maxAgeOf({ functions }: Pick<SchedulerOptions, 'functions'>, name: FunctionName): number | undefined {
  const found = functions.get(name);
  return found === undefined ? undefined : shortestAgeInMs(found);
}

/**
 * Decides what a due stream needs, by the cheapest means first:
 *
 * 1. Its attempt or its next try is due: a hint, without a read. The receiver of the hint reads the stream and decides. A delayed request that
 *    is still in the queue needs none: the worker that takes it starts it.
 * 2. Its request or its wake is still in the queue of its function: nothing. Reads and further wakes would slow a long queue down.
 * 3. Everything else: the stream is read and inspected.
 *
 * The pauses between inspections of one stream double.
 */
export class StreamInspector {
  readonly #options: SchedulerOptions;
  readonly #open: OpenStreams;
  readonly #backlog: Backlog;

  constructor(options: SchedulerOptions, open: OpenStreams) {
    this.#options = options;
    this.#open = open;
    this.#backlog = createBacklog(options);
  }

  /**
   * Lets a request wait on, if its queue is known to hold the request. A backlog of half a million is due again and again, and a promise for
   * each of its streams would be most of the scheduler's garbage (docs/performance.md H19).
   */
  letsWait(stream: OpenStream): boolean {
    const now = this.#options.clock.now();
    if (stream.isWaiting) return this.#letsWaitForSlot(stream, now);
    if (stream.dueAt !== undefined) return false;
    const queued = this.#queuedItem(stream);
    if (queued === undefined || now >= queued.endsAt) return false;
    if (!this.#backlog.isKnownToHold(stream.name.function, queued.sequence)) return false;
    this.#letWait(stream, queued, now);
    return true;
  }

  /** A stream that waits for slots needs nothing before its end: a worker that gives it a slot starts it. */
  #letsWaitForSlot(stream: OpenStream, now: number): boolean {
    const endsAt = this.#endOf(stream);
    if (endsAt === undefined || now >= endsAt) return false;
    this.#letWait(stream, { endsAt }, now);
    return true;
  }

  /** When an invocation of a stream becomes too old; `undefined` for unknown functions. */
  #endOf({ name, endsAt, dueAt, firstDueAt }: OpenStream): number | undefined {
    const ageInMs = maxAgeOf(this.#options, name.function);
    return ageInMs === undefined ? undefined : (endsAt ?? (dueAt ?? firstDueAt ?? 0) + ageInMs);
  }

  #letWait(stream: OpenStream, { endsAt }: { endsAt: number }, now: number): void {
    this.#open.count(stream);
    this.#open.inspectAgain(stream, Math.min(now + this.#pauseOf(stream), endsAt));
  }

  #pauseOf({ inspections }: OpenStream): number {
    return Math.min(this.#options.patienceInMs * 2 ** inspections, MAX_PAUSE_IN_MS);
  }

  /** Never rejects: a stream that cannot be read is due again after a pause. */
  async inspect(stream: OpenStream): Promise<void> {
    const { clock, patienceInMs, logger } = this.#options;
    const now = clock.now();
    const pause = this.#pauseOf(stream);
    try {
      const { name, request, version, dueAt } = stream;
      // A worker that was offered a delayed request before it was due has acknowledged it, so only a wake brings it back.
      const isUntaken = dueAt !== undefined && version === request && (await this.#backlog.holds(name.function, version, dueAt));
      if (stream.inspections === 0 && !isUntaken && this.#hint(stream, now)) {
        this.#open.count(stream);
        this.#open.inspectAgain(stream, now + patienceInMs);
        return;
      }
      const queued = this.#queuedItem(stream);
      if (queued !== undefined && now < queued.endsAt && (await this.#backlog.holds(name.function, queued.sequence)))
        this.#letWait(stream, queued, now);
      else {
        const inspection = await inspectStream(stream, this.#options);
        this.#open.count(stream);
        this.#scheduleNext(stream, inspection, pause);
      }
    } catch (error) {
      logger[levelOf(error)](
        { stream: stream.name.stream, function: stream.name.function, error: messageOf(error) },
        'the scheduler could not inspect a stream',
      );
      this.#open.inspectAgain(stream, now + pause);
    }
  }

  /** Hints at what is due in a stream; false when nothing is. */
  #hint({ name, request, version, dueAt, deliverAt }: OpenStream, now: number): boolean {
    if (request === undefined) return false;
    const { hints } = this.#options;
    const id = `${name.stream}.${version}.0`;
    const isAttemptDue = dueAt !== undefined && dueAt <= now;
    const isTryDue = deliverAt !== undefined && deliverAt <= now;
    if (isAttemptDue) hints.wake(name, request, id);
    if (isTryDue) hints.deliver(name, request, id);
    return isAttemptDue || isTryDue;
  }

  /**
   * The item that stands for a stream, and when an invocation of the stream becomes too old. `undefined` when there is none, when an attempt
   * or a delivery needs work, and for unknown functions. A wake alone does not deliver the outcome of a cancelled invocation.
   */
  #queuedItem(stream: OpenStream): { sequence: number; endsAt: number } | undefined {
    const { request, version, wake, dueAt, deliverAt, isInProgress } = stream;
    const expiresAt = this.#endOf(stream);
    if (expiresAt === undefined || deliverAt !== undefined) return undefined;
    // The wake of a delayed request takes the place of its request.
    if (version === request) return { sequence: dueAt === undefined ? request : (wake ?? request), endsAt: expiresAt };
    return wake === undefined || isInProgress ? undefined : { sequence: wake, endsAt: expiresAt };
  }

  #scheduleNext(stream: OpenStream, inspection: Inspection, pause: number): void {
    if (inspection.kind === 'settled') return this.#open.remove(stream);
    this.#open.takeWaits(stream, inspection);
    // A hint for a delivery stays in the queue until it is taken, so a backlog of deliveries need not be read repeatedly.
    const queuedPause = Math.min(MAX_PAUSE_IN_MS * 2 ** stream.inspections, MAX_QUEUED_PAUSE_IN_MS);
    const at = this.#options.clock.now() + (inspection.isQueued ? queuedPause : pause);
    this.#open.inspectAgain(stream, Math.min(at, inspection.nextAt));
  }
}
