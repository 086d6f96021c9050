import type { AskedAttempt } from './execution-probe.ts';

/** Notifies a worker that one of its executions was cancelled. The log holds the cancellation already; the announcement only saves work. */
export interface Cancellations {
  /** Safe to lose, because the machine refuses the result of a cancelled attempt. */
  announce(worker: string, canceled: AskedAttempt): void;
  /** Receives the announcements for this worker until the signal aborts. `onCancel` tells whether it aborted an execution. */
  subscribe(worker: string, onCancel: (canceled: AskedAttempt) => boolean, signal: AbortSignal): void;
}
