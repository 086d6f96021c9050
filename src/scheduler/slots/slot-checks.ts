import FlatQueue from 'flatqueue';
import type { Invocation } from '#machines/invocation.ts';
import { messageOf } from '#src/core/errors.ts';
import { attemptIdOf } from '#src/core/flow/entry-change.ts';
import { isOver } from '#src/core/flow/is-over.ts';
import { type Attempt, type LedgerEntry, NO_SLOTS } from '#src/core/flow/ledger-entry.ts';
import { createSlotLedger, type SlotLedger } from '#src/core/flow/slot-ledger.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { LogEntry, StreamName } from '#src/core/log/event-log.ts';
import { streamKey, streamOf } from '#src/core/names/ids.ts';
import { parseFunctionName, type RequestId } from '#src/core/names/names.ts';
import { levelOf } from '#src/core/ports/logger.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { storeResult } from '#src/scheduler/inspect/store-result.ts';
import type { OpenStreams } from '#src/scheduler/open/open-streams.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';
import { SlotWaiters } from './slot-waiters.ts';

/** An attempt that the ledger names, and when the log is asked about it. */
type Check = {
  readonly pool: PoolId;
  readonly attempt: Attempt;
  /** Whether it holds a slot, as the entry says that was read last. */
  isHolder: boolean;
  /** How often its stream was woken. */
  wakes: number;
  readonly stream: string;
  checkAt: number;
  pauseInMs: number;
  /** The time of its only entry among the due times that counts. */
  queuedAt: number;
  isChecked: boolean;
  isRemoved: boolean;
  /** How often the log did not show the request. */
  missed: number;
};

type SlotChecksOptions = Pick<SchedulerOptions, 'log' | 'clock' | 'logger' | 'hints' | 'results' | 'tenancy' | 'patienceInMs'> & {
  ledger: Pick<SlotLedger, 'release' | 'start'>;
};

const MAX_PAUSE_IN_MS = 60_000;
const MAX_CHECKS_IN_PROGRESS = 16;
/** How long the worker that ended an attempt may take to free its slot. */
const FREES_WITHIN_MS = 1_000;
/**
 * No worker removes a waiting attempt that ended from the entry. Its stream may be busy, because the stream of a batch gets the appends of all its
 * invocations, and most waiting attempts have their slot within this time, so that nothing is read for them.
 */
const WAITS_FOR_SLOT_MS = 250;

/**
 * Frees the slots that nobody else frees: those of attempts that are over by the log (SLOT3), because the process that ended the attempt
 * died before it freed the slot. The attempts that wait are checked as well. Attempts that started by the log use their tokens (RATE2).
 *
 * The result of an attempt that is over is stored before its slot is freed, because its worker may have died before it did so (PUB3).
 *
 * The stream of an attempt that has a slot and waits by the log is woken: the worker that gave it the slot may have died before it started the
 * attempt (SLOT4, SLOT6).
 *
 * An attempt is checked when the ledger has named it for the patience, when its stream got an append, and again after growing pauses. A
 * request that the log does not hold was archived with its settled stream (J2). It must be missing twice, because a replica may be late.
 */
class SlotChecks {
  readonly #options: SlotChecksOptions;
  readonly #checks = new Map<PoolId, Map<string, Check>>();
  /** The attempts that the ledger names, by stream. */
  readonly byStream = new Map<string, Set<Check>>();
  /** Entries that changed, and were not read yet. A busy entry changes a thousand times a second. */
  readonly #changed = new Map<PoolId, LedgerEntry | undefined>();
  readonly #due = new FlatQueue<Check>();
  readonly #inProgress = new Set<Promise<void>>();

  constructor(options: SlotChecksOptions) {
    this.#options = options;
  }

  /** When the next attempt is to be checked, or an entry to be read, or earlier; infinite when there is none. */
  get nextDueAt(): number {
    if (this.#changed.size > 0) return this.#options.clock.now();
    if (this.byStream.size === 0) this.#due.clear();
    return this.#due.peekValue() ?? Number.POSITIVE_INFINITY;
  }

  /** Takes over an entry of the ledger. */
  readonly entryChanged = (pool: PoolId, entry: LedgerEntry | undefined): void => void this.#changed.set(pool, entry);

  /** An append to a stream may end an attempt. */
  fold(entry: LogEntry): void {
    if (entry.kind !== 'append') return;
    for (const check of this.byStream.get(streamKey(entry.name)) ?? []) {
      check.pauseInMs = this.#options.patienceInMs;
      const freesWithinMs = check.isHolder ? FREES_WITHIN_MS : WAITS_FOR_SLOT_MS;
      this.#checkAt(check, Math.min(check.checkAt, this.#options.clock.now() + Math.min(freesWithinMs, this.#options.patienceInMs)));
    }
  }

  /** Starts the checks that are due. */
  check(now: number): void {
    for (const [pool, entry] of this.#changed) this.#read(pool, entry, now);
    this.#changed.clear();
    for (let at = this.#due.peekValue(); at !== undefined && at <= now; at = this.#due.peekValue()) {
      if (this.#inProgress.size >= MAX_CHECKS_IN_PROGRESS) return;
      const check = this.#due.pop() as Check;
      if (check.queuedAt !== at || check.isChecked || check.isRemoved) continue;
      check.queuedAt = Number.POSITIVE_INFINITY;
      if (check.checkAt > now) this.#checkAt(check, check.checkAt);
      else this.#start(check);
    }
  }

  /** Only an earlier time needs a new entry among the due times. `check` puts an entry back that comes too early. */
  #checkAt(check: Check, at: number): void {
    check.checkAt = at;
    if (check.isChecked || at >= check.queuedAt) return;
    check.queuedAt = at;
    this.#due.push(check, at);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#inProgress);
  }

  #read(pool: PoolId, entry: LedgerEntry | undefined, now: number): void {
    const present = this.#checks.get(pool) ?? new Map<string, Check>();
    const next = new Map<string, Check>();
    const { holders, waiters } = entry ?? NO_SLOTS;
    const addAttempt = (attempt: Attempt, isHolder: boolean): void => {
      const check = present.get(attemptIdOf(attempt)) ?? this.#add(pool, attempt, now + this.#firstCheckInMs(isHolder));
      // The worker that executes the attempt frees its slot, also when the attempt ended while it waited.
      if (isHolder && !check.isHolder)
        this.#checkAt(check, Math.min(Math.max(check.checkAt, now + FREES_WITHIN_MS), now + this.#options.patienceInMs));
      check.isHolder = isHolder;
      next.set(attemptIdOf(attempt), check);
    };
    for (const holder of holders) addAttempt(holder, true);
    for (const waiter of waiters) addAttempt(waiter, false);
    for (const [id, check] of present) if (!next.has(id)) this.#remove(check);
    if (next.size === 0) this.#checks.delete(pool);
    else this.#checks.set(pool, next);
  }

  /** A waiter may have ended before the entry named it here, so that no append shows its end. No other process removes it then. */
  #firstCheckInMs(isHolder: boolean): number {
    return isHolder ? this.#options.patienceInMs : Math.min(FREES_WITHIN_MS, this.#options.patienceInMs);
  }

  #add(pool: PoolId, attempt: Attempt, checkAt: number): Check {
    const { patienceInMs } = this.#options;
    const stream = streamKey(nameOf(attempt));
    const known = { pool, attempt, stream, isHolder: false, wakes: 0 };
    const times = { checkAt, queuedAt: Number.POSITIVE_INFINITY, pauseInMs: patienceInMs };
    const check: Check = { ...known, ...times, isChecked: false, isRemoved: false, missed: 0 };
    this.#checkAt(check, checkAt);
    this.byStream.set(stream, (this.byStream.get(stream) ?? new Set()).add(check));
    return check;
  }

  #remove(check: Check): void {
    check.isRemoved = true;
    const checks = this.byStream.get(check.stream);
    checks?.delete(check);
    if (checks?.size === 0) this.byStream.delete(check.stream);
  }

  #start(check: Check): void {
    check.isChecked = true;
    const checking = this.#check(check).finally(() => {
      check.isChecked = false;
      this.#checkAt(check, this.#options.clock.now() + check.pauseInMs);
      check.pauseInMs = Math.min(check.pauseInMs * 2, MAX_PAUSE_IN_MS);
      this.#inProgress.delete(checking);
    });
    this.#inProgress.add(checking);
  }

  /** Never rejects. */
  async #check(check: Check): Promise<void> {
    const { log, ledger, logger, hints } = this.#options;
    const { pool, attempt } = check;
    try {
      const stream = await loadStream(log, nameOf(attempt), attempt.request);
      const invocation = stream?.invocations.get(attempt.invocation);
      check.missed = invocation === undefined ? check.missed + 1 : 0;
      if (stream !== undefined && invocation !== undefined && isOver(invocation, attempt)) {
        await storeResult(stream, attempt.invocation as RequestId, this.#options);
        ledger.release(pool, attempt);
      } else if (check.missed > 1) ledger.release(pool, attempt);
      else if (attempt.rate !== undefined && (invocation?.context.attempts ?? 0) >= attempt.attempt) ledger.start(pool, attempt);
      else if (stream !== undefined && check.isHolder && isUnstarted(invocation, attempt))
        hints.wake(stream.name, attempt.request, `${stream.name.stream}.${stream.version}.held-${++check.wakes}`);
    } catch (error) {
      logger[levelOf(error)]({ pool, invocation: attempt.invocation, error: messageOf(error) }, 'a slot could not be checked');
    }
  }
}

/** Whether an attempt waits in the log. */
function isUnstarted(invocation: Invocation | undefined, { attempt }: Attempt): boolean {
  return invocation?.context.attempts === attempt - 1 && invocation.context.waitsFor !== null;
}

function nameOf({ function: name, invocation }: Attempt): StreamName {
  return { function: parseFunctionName(name), stream: streamOf(invocation as RequestId) };
}

type WatchedSlots = { checks: SlotChecks; waiters: SlotWaiters; ledger: SlotLedger };

/** Watches the ledger of slots, checks the attempts that it names, and lists the attempts that wait in the log. */
export function watchSlots(options: SchedulerOptions, open: () => OpenStreams, signal: AbortSignal): WatchedSlots {
  const { flow: store, log, clock, logger, hints, results, tenancy, patienceInMs, functions, takesWork = () => true } = options;
  const onEntry = (pool: PoolId, entry: LedgerEntry | undefined): void => {
    checks.entryChanged(pool, entry);
    waiters.entryChanged(pool, entry);
  };
  const waiters: SlotWaiters = new SlotWaiters({
    functions,
    hints,
    clock,
    log,
    patienceInMs,
    takesWork,
    waiting: () => open().waiting,
    firstUnplaced: (name) => open().unsorted.firstOf(name),
    next: () => open().next,
    decideAgain: (pool) => ledger.decideAgain(pool),
  });
  const ledger = createSlotLedger({ store, clock, logger, epoch: log.epoch, signal, onEntry, plan: waiters.plan });
  const checks = new SlotChecks({ ledger, log, clock, logger, hints, results, tenancy, patienceInMs });
  return { checks, waiters, ledger };
}
