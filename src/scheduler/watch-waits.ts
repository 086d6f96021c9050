import { GroupCloser } from './close-groups.ts';
import type { OpenStreams } from './open-streams.ts';
import type { SchedulerOptions } from './ports.ts';
import { watchSlots } from './slot-checks.ts';

type WatchedSlots = ReturnType<typeof watchSlots>;
type WatchedWaits = Pick<WatchedSlots, 'checks' | 'ledger'> & {
  onWait: WatchedSlots['grants']['noteWait'];
  waitInWorkers: WatchedSlots['grants']['waitInWorkers'];
  /** When a wait is looked at next; infinite when nothing waits and no slot is taken. */
  readonly nextDueAt: number;
  look(now: number): void;
  /** Resolves when nothing is in progress. */
  stop(): Promise<void>;
};

/** What invocations wait for in the log: slots, tokens, and their groups. */
export function watchWaits(options: SchedulerOptions, open: () => OpenStreams, signal: AbortSignal): WatchedWaits {
  const { checks, grants, ledger } = watchSlots(options, open, signal);
  const groups = new GroupCloser(options, open);
  return {
    checks,
    ledger,
    onWait: grants.noteWait,
    waitInWorkers: grants.waitInWorkers,
    get nextDueAt() {
      return Math.min(checks.nextDueAt, grants.nextDueAt, groups.nextDueAt);
    },
    look(now: number): void {
      checks.look(now);
      grants.look(now);
      groups.look(now);
    },
    async stop(): Promise<void> {
      await Promise.all([checks.stop(), groups.stop()]);
    },
  };
}
