import { messageOf } from '#src/core/errors.ts';
import { idOf } from '#src/core/flow/change-entry.ts';
import { isOver } from '#src/core/flow/is-over.ts';
import { type Attempt, decodeLedgerEntry } from '#src/core/flow/ledger-entry.ts';
import { createSlotLedger, type SlotLedger } from '#src/core/flow/slot-ledger.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { EventLog, LogEntry, StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { parseFunctionName, type RequestId } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { type Logger, levelOf } from '#src/core/ports/logger.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import type { SchedulerOptions } from './ports.ts';

/** An attempt that the ledger names, and when the log is asked about it. */
type Check = {
  readonly pool: PoolId;
  readonly attempt: Attempt;
  readonly stream: string;
  checkAt: number;
  pauseInMs: number;
  isChecked: boolean;
  /** How often the log did not show the request. */
  missed: number;
};

type SlotChecksOptions = { ledger: Pick<SlotLedger, 'release'>; log: EventLog; clock: Clock; logger: Logger; patienceInMs: number };

const MAX_PAUSE_IN_MS = 60_000;
const MAX_CHECKS_IN_PROGRESS = 16;
/** How long the worker that ended an attempt may take to free its slot. */
const FREES_WITHIN_MS = 1_000;

/**
 * Frees the slots that nobody else frees: those of attempts that are over by the log (SLOT3), because the process that ended the attempt
 * died before it freed the slot. The attempts that wait are checked as well.
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
      check.checkAt = Math.min(check.checkAt, this.#options.clock.now() + Math.min(FREES_WITHIN_MS, this.#options.patienceInMs));
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
    for (const attempt of this.#attemptsIn(pool, text)) {
      const id = idOf(attempt);
      next.set(id, present.get(id) ?? this.#add(pool, attempt, now));
    }
    for (const [id, check] of present) if (!next.has(id)) this.#remove(check);
    if (next.size === 0) this.#checks.delete(pool);
    else this.#checks.set(pool, next);
  }

  #attemptsIn(pool: PoolId, text: string | undefined): readonly Attempt[] {
    try {
      const { holders, waiters } = decodeLedgerEntry(text);
      return [...holders, ...waiters];
    } catch (error) {
      this.#options.logger.error({ pool, error: messageOf(error) }, 'an entry of the ledger of slots cannot be read');
      return [];
    }
  }

  #add(pool: PoolId, attempt: Attempt, now: number): Check {
    const { patienceInMs } = this.#options;
    const stream = streamKey(nameOf(attempt));
    const check: Check = { pool, attempt, stream, checkAt: now + patienceInMs, pauseInMs: patienceInMs, isChecked: false, missed: 0 };
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
    const { log, ledger, logger } = this.#options;
    const { pool, attempt } = check;
    try {
      const stream = await loadStream(log, nameOf(attempt), attempt.request);
      const invocation = stream?.invocations.get(attempt.invocation);
      check.missed = invocation === undefined ? check.missed + 1 : 0;
      if (check.missed > 1 || isOver(invocation, attempt.attempt)) ledger.release(pool, attempt);
    } catch (error) {
      logger[levelOf(error)]({ pool, invocation: attempt.invocation, error: messageOf(error) }, 'a slot could not be checked');
    }
  }
}

function nameOf({ function: name, invocation }: Attempt): StreamName {
  return { function: parseFunctionName(name), stream: streamOf(invocation as RequestId) };
}

/** Watches the ledger of slots, and checks what it names. */
export function watchSlots(options: SchedulerOptions, signal: AbortSignal): { checks: SlotChecks; ledger: SlotLedger } {
  const { flow: store, log, clock, logger, patienceInMs } = options;
  const onEntry = (pool: PoolId, text: string | undefined): void => checks.note(pool, text);
  const ledger = createSlotLedger({ store, clock, logger, epoch: log.epoch, signal, onEntry });
  const checks = new SlotChecks({ ledger, log, clock, logger, patienceInMs });
  ledger.watch();
  return { checks, ledger };
}
