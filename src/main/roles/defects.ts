import type { Logger } from 'pino';

/** How a process ends that met a defect: `EX_SOFTWARE` of sysexits.h. */
const DEFECT_EXIT_CODE = 70;

/**
 * From now on an unhandled rejection and an uncaught exception are logged whole, with stack and causes, and end the process.
 *
 * A process whose invariants no longer hold claims nothing: its supervisor starts it again, and what it had in flight comes
 * again after the lease.
 */
export function endOnDefect(log: Logger): void {
  const end = (message: string) => (thrown: unknown) => {
    log.fatal({ err: thrown instanceof Error ? thrown : new Error(String(thrown)) }, message);
    process.exit(DEFECT_EXIT_CODE);
  };
  process.on('unhandledRejection', end('a defect: a rejection that nothing handles ends this process'));
  process.on('uncaughtException', end('a defect: an exception that nothing catches ends this process'));
}
