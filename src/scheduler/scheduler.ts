import { agingOf } from '#src/core/functions/priority.ts';
import { readProvedFloor, SCHEDULER_FLOOR, saveFloor } from '#src/core/ports/stores/saved-floor.ts';
import { controlAdmission } from './admission-control.ts';
import { maxAgeOf, StreamInspector } from './inspect/stream-inspector.ts';
import { createFindOpen } from './open/find-open.ts';
import { OpenStreams } from './open/open-streams.ts';
import type { OpenStream } from './open/stream-records.ts';
import { wakeFunctions } from './open/wake-functions.ts';
import type { SchedulerOptions } from './ports.ts';
import { watchWaits } from './waits/watch-waits.ts';

export interface Scheduler {
  readonly open: OpenStreams;
  /** The time of the next check of slots and groups. `Infinity` while no attempt holds a slot or waits for a slot or a group. */
  readonly nextSlotCheckAt: number;
  stop(): Promise<void>;
}

/** The longest and the shortest time between two checks of due streams. Streams that are due at almost the same time share a check. */
const CHECK_EVERY_MS = 25;
const CHECK_OFTEN_EVERY_MS = 5;
/**
 * The pause between two readings of the log, while no slot is held and nothing waits for a slot or a group. A retry that is due within a pause
 * starts after the pause (docs/performance.md H24).
 */
const PAUSE_IN_MS = 40;
/** The reads of more of them at once would delay the appends of other processes, and end no sooner. */
const MAX_INSPECTIONS_IN_PROGRESS = 16;
/** After this number of streams that keep waiting, the event loop runs other work of the process. The check of these streams takes about a millisecond. */
const MAX_WAITING_IN_A_TURN = 512;
const SAVE_FLOOR_EVERY_MS = 5_000;
const UNKNOWN_GRACE_IN_MS = 1_000;

/**
 * The backstop of liveness (E4): acts when time passes and no other role acts. A retry is due; an event or a delivery is too old; a worker
 * died; an outcome is not delivered; a function does not exist. Every invocation ends even if every consumer is deleted.
 *
 * The scheduler only appends with expected versions and publishes hints, so several schedulers may run at once.
 */
export async function startScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const { log, clock, logger, state, admission, patienceInMs, takesWork = () => true } = options;
  const stopping = new AbortController();
  const waits = watchWaits(options, () => open, stopping.signal);
  const open = new OpenStreams({
    ...{ patienceInMs, unknownGraceInMs: UNKNOWN_GRACE_IN_MS },
    maxAgeOf: (name) => maxAgeOf(options, name),
    onWait: waits.onWait,
    agingOf: (name) => agingOf(options.functions.get(name)?.definition.flow ?? {}),
  });
  waits.ledger.watch();
  const findOpen = createFindOpen(open, options);
  options.openRequests.answer(findOpen, stopping.signal);
  const awake = wakeFunctions(options, findOpen, stopping.signal);
  const following = log.follow(
    await startOf(options),
    (entry) => {
      open.fold(entry);
      awake?.fold(entry);
      if (waits.checks.byStream.size > 0) waits.checks.fold(entry);
    },
    stopping.signal,
    // Slots and groups follow from the log, and each hand-over of a slot takes one reading of the log.
    () => (waits.nextDueAt === Number.POSITIVE_INFINITY ? PAUSE_IN_MS : 0),
  );
  const inspector = new StreamInspector(options, open);
  const inspections = new Set<Promise<void>>();
  let onInspected: () => void = () => {};
  const ticking = tick();
  const controlling = admission === undefined ? undefined : controlAdmission({ admission, open, clock, logger, signal: stopping.signal });

  function takeDue(now: number) {
    return takesWork() && !stopping.signal.aborted ? open.takeDue(now) : undefined;
  }

  async function tick(): Promise<void> {
    let savedAt = clock.now();
    while (!stopping.signal.aborted) {
      const now = clock.now();
      await inspectDue(now);
      if (takesWork()) waits.check(now);
      if (now - savedAt > SAVE_FLOOR_EVERY_MS) {
        savedAt = now;
        await saveFloor(state, SCHEDULER_FLOOR, open).catch(() => {});
      }
      await clock.sleep(pauseUntilDue(Math.min(open.nextDueAt, waits.nextDueAt) - clock.now()), stopping.signal);
    }
  }

  async function inspectDue(now: number): Promise<void> {
    let waiting = 0;
    for (let due = takeDue(now); due !== undefined; due = takeDue(now)) {
      if (!inspector.letsWait(due)) startInspection(due);
      else if (++waiting % MAX_WAITING_IN_A_TURN === 0) await clock.sleep(0);
      // `Promise.race` would add a reaction to each of them for every stream (docs/performance.md H20).
      if (inspections.size >= MAX_INSPECTIONS_IN_PROGRESS)
        await new Promise<void>((resolve) => {
          onInspected = resolve;
        });
    }
  }

  function startInspection(due: OpenStream): void {
    const inspection = inspector.inspect(due).finally(() => {
      inspections.delete(inspection);
      onInspected();
    });
    inspections.add(inspection);
  }

  return {
    open,
    get nextSlotCheckAt() {
      return waits.nextDueAt;
    },
    async stop() {
      stopping.abort();
      await Promise.all([ticking, following, controlling, ...inspections, waits.stop()]);
      await waits.ledger.close();
      await saveFloor(state, SCHEDULER_FLOOR, open).catch(() => {});
    },
  };
}

/** A stream that is due already could not be taken: it has to wait. */
function pauseUntilDue(inMs: number): number {
  return inMs <= 0 ? CHECK_EVERY_MS : Math.min(Math.max(inMs, CHECK_OFTEN_EVERY_MS), CHECK_EVERY_MS);
}

/**
 * The sequence from which a scheduler reads the log: its first message unless a floor is proved (MARK1). The message that proves the floor is
 * read too, so that `follow` notices when the log loses it later.
 */
async function startOf({ state, log }: SchedulerOptions): Promise<number> {
  const { floor, newest } = (await readProvedFloor(state, SCHEDULER_FLOOR, log.timeOf)) ?? { floor: 1 };
  return Math.min(floor, newest?.sequence ?? floor);
}
