import { messageOf } from '#src/core/errors.ts';
import { idOf } from '#src/core/flow/change-entry.ts';
import { isOver } from '#src/core/flow/is-over.ts';
import { type Attempt, decodeLedgerEntry, type LedgerEntry, NO_SLOTS } from '#src/core/flow/ledger-entry.ts';
import { createSlotLedger, type SlotLedger } from '#src/core/flow/slot-ledger.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { LogEntry, StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { parseFunctionName, type RequestId } from '#src/core/names/names.ts';
import { levelOf } from '#src/core/ports/logger.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import type { OpenStreams } from './open-streams.ts';
import type { SchedulerOptions } from './ports.ts';
import { SlotGrants } from './slot-grants.ts';

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
  isChecked: boolean;
  /** How often the log did not show the request. */
  missed: number;
};

type SlotChecksOptions = Pick<SchedulerOptions, 'log' | 'clock' | 'logger' | 'hints' | 'patienceInMs'> & {
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
 * The stream of an attempt that has a slot and waits by the log is woken again: the process that was to wake it may have died (SLOT6).
 *
 * An attempt is checked when the ledger has named it for the patience, when its stream got an append, and again after growing pauses. A
 * request that the log does not hold was archived with its settled stream (J2). It must be missing twice, because a replica may be late.
 */
class SlotChecks {
  readonly #options: SlotChecksOptions;
  readonly #checks = new Map<PoolId, Map<string, Check>>();
  readonly #byStream = new Map<string, Set<Check>>();
  /** Entries that changed, and were not read yet. A busy entry changes a thousand times a second. */
  readonly #changed = new Map<PoolId, string | undefined>();
  readonly #inProgress = new Set<Promise<void>>();

  constructor(options: SlotChecksOptions) {
    this.#options = options;
  }

  /** When the next attempt is to be checked, or an entry to be read; infinite when there is none. */
  get nextDueAt(): number {
    if (this.#changed.size > 0) return this.#options.clock.now();
    let earliest = Number.POSITIVE_INFINITY;
    for (const checks of this.#checks.values())
      for (const { isChecked, checkAt } of checks.values()) if (!isChecked) earliest = Math.min(earliest, checkAt);
    return earliest;
  }

  /** Takes over an entry of the ledger. */
  readonly note = (pool: PoolId, text: string | undefined): void => void this.#changed.set(pool, text);

  /** An append to a stream may end an attempt. */
  fold(entry: LogEntry): void {
    if (entry.kind !== 'append' || this.#byStream.size === 0) return;
    for (const check of this.#byStream.get(streamKey(entry.name)) ?? []) {
      check.pauseInMs = this.#options.patienceInMs;
      const freesWithinMs = check.isHolder ? FREES_WITHIN_MS : WAITS_FOR_SLOT_MS;
      check.checkAt = Math.min(check.checkAt, this.#options.clock.now() + Math.min(freesWithinMs, this.#options.patienceInMs));
    }
  }

  /** Starts the checks that are due. */
  look(now: number): void {
    for (const [pool, text] of this.#changed) this.#read(pool, text, now);
    this.#changed.clear();
    for (const checks of this.#checks.values())
      for (const check of checks.values()) {
        if (this.#inProgress.size >= MAX_CHECKS_IN_PROGRESS) return;
        if (!check.isChecked && check.checkAt <= now) this.#start(check);
      }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#inProgress);
  }

  #read(pool: PoolId, text: string | undefined, now: number): void {
    const present = this.#checks.get(pool) ?? new Map<string, Check>();
    const next = new Map<string, Check>();
    const { holders, waiters } = this.#entryOf(pool, text);
    const note = (attempt: Attempt, isHolder: boolean): void => {
      const check = present.get(idOf(attempt)) ?? this.#add(pool, attempt, now + this.#firstCheckInMs(isHolder));
      // The worker that executes the attempt frees its slot, also when the attempt ended while it waited.
      if (isHolder && !check.isHolder)
        check.checkAt = Math.min(Math.max(check.checkAt, now + FREES_WITHIN_MS), now + this.#options.patienceInMs);
      check.isHolder = isHolder;
      next.set(idOf(attempt), check);
    };
    for (const holder of holders) note(holder, true);
    for (const waiter of waiters) note(waiter, false);
    for (const [id, check] of present) if (!next.has(id)) this.#remove(check);
    if (next.size === 0) this.#checks.delete(pool);
    else this.#checks.set(pool, next);
  }

  #entryOf(pool: PoolId, text: string | undefined): LedgerEntry {
    try {
      return decodeLedgerEntry(text);
    } catch (error) {
      this.#options.logger.error({ pool, error: messageOf(error) }, 'an entry of the ledger of slots cannot be read');
      return NO_SLOTS;
    }
  }

  /** A waiter may have ended before the entry named it here, so that no append shows its end. No other process removes it then. */
  #firstCheckInMs(isHolder: boolean): number {
    return isHolder ? this.#options.patienceInMs : Math.min(FREES_WITHIN_MS, this.#options.patienceInMs);
  }

  #add(pool: PoolId, attempt: Attempt, checkAt: number): Check {
    const { patienceInMs } = this.#options;
    const stream = streamKey(nameOf(attempt));
    const known = { pool, attempt, stream, isHolder: false, wakes: 0 };
    const check: Check = { ...known, checkAt, pauseInMs: patienceInMs, isChecked: false, missed: 0 };
    this.#byStream.set(stream, (this.#byStream.get(stream) ?? new Set()).add(check));
    return check;
  }

  #remove(check: Check): void {
    const checks = this.#byStream.get(check.stream);
    checks?.delete(check);
    if (checks?.size === 0) this.#byStream.delete(check.stream);
  }

  #start(check: Check): void {
    check.isChecked = true;
    const checking = this.#check(check).finally(() => {
      check.isChecked = false;
      check.checkAt = this.#options.clock.now() + check.pauseInMs;
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
      if (check.missed > 1 || isOver(invocation, attempt)) ledger.release(pool, attempt);
      else if (attempt.rate !== undefined && (invocation?.context.attempts ?? 0) >= attempt.attempt) ledger.start(pool, attempt);
      else if (
        stream !== undefined &&
        check.isHolder &&
        invocation?.context.attempts === attempt.attempt - 1 &&
        invocation.context.waitsFor
      )
        hints.wake(stream.name, attempt.request, `${stream.name.stream}.${stream.version}.held-${++check.wakes}`);
    } catch (error) {
      logger[levelOf(error)]({ pool, invocation: attempt.invocation, error: messageOf(error) }, 'a slot could not be checked');
    }
  }
}

function nameOf({ function: name, invocation }: Attempt): StreamName {
  return { function: parseFunctionName(name), stream: streamOf(invocation as RequestId) };
}

type WatchedSlots = { checks: SlotChecks; grants: SlotGrants; ledger: SlotLedger };

/** Watches the ledger of slots, checks what it names, and gives slots to the streams that wait in the log. */
export function watchSlots(options: SchedulerOptions, open: () => OpenStreams, signal: AbortSignal): WatchedSlots {
  const { flow: store, log, clock, logger, hints, patienceInMs, functions, takesWork = () => true } = options;
  const onEntry = (pool: PoolId, text: string | undefined): void => {
    checks.note(pool, text);
    grants.note(pool, text);
  };
  const grants: SlotGrants = new SlotGrants({
    functions,
    hints,
    clock,
    log,
    patienceInMs,
    takesWork,
    waiting: () => open().waiting,
    firstUnplaced: (name) => open().unplaced.firstOf(name),
    next: () => open().next,
    planAgain: (pool) => ledger.planAgain(pool),
  });
  const ledger = createSlotLedger({ store, clock, logger, epoch: log.epoch, signal, onEntry, plan: grants.plan });
  const checks = new SlotChecks({ ledger, log, clock, logger, hints, patienceInMs });
  return { checks, grants, ledger };
}
