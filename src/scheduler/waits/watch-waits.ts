import { GroupCloser } from '#src/scheduler/groups/close-groups.ts';
import type { OpenStreams } from '#src/scheduler/open/open-streams.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';
import { watchSlots } from '#src/scheduler/slots/slot-checks.ts';

type WatchedSlots = ReturnType<typeof watchSlots>;
type WatchedWaits = Pick<WatchedSlots, 'checks' | 'ledger'> & {
  onWait: WatchedSlots['waiters']['noteWait'];
  /** The time of the next check. `Infinity` while no attempt holds a slot or waits. */
  readonly nextDueAt: number;
  check(now: number): void;
  /** Resolves when nothing is in progress. */
  stop(): Promise<void>;
};

/** What invocations wait for in the log: slots, tokens, and their groups. */
export function watchWaits(options: SchedulerOptions, open: () => OpenStreams, signal: AbortSignal): WatchedWaits {
  const { checks, waiters, ledger } = watchSlots(options, open, signal);
  const groups = new GroupCloser(options, open);
  return {
    checks,
    ledger,
    onWait: waiters.noteWait,
    get nextDueAt() {
      return Math.min(checks.nextDueAt, waiters.nextDueAt, groups.nextDueAt);
    },
    check(now: number): void {
      checks.check(now);
      waiters.check(now);
      groups.checkDue(now);
    },
    async stop(): Promise<void> {
      await Promise.all([checks.stop(), groups.stop()]);
    },
  };
}
