import type { Logger } from 'pino';

/** The exit code after a defect: `EX_SOFTWARE` of sysexits.h. */
const DEFECT_EXIT_CODE = 70;

/**
 * From now on, an unhandled rejection or an uncaught exception is logged with stack and causes, and ends the process.
 *
 * The invariants of such a process may no longer hold, so it acknowledges nothing more. Its supervisor starts it again, and
 * JetStream redelivers its items after the lease.
 */
export function endOnDefect(log: Logger): void {
  const end = (message: string) => (thrown: unknown) => {
    log.fatal({ err: thrown instanceof Error ? thrown : new Error(String(thrown)) }, message);
    process.exit(DEFECT_EXIT_CODE);
  };
  process.on('unhandledRejection', end('a defect: an unhandled rejection ends this process'));
  process.on('uncaughtException', end('a defect: an uncaught exception ends this process'));
}
