/** Tells a worker that an execution of its is not wanted any more. The log says so already: this only saves the effort. */
export interface Cancellations {
  /** Safe to lose: what the worker reports about it is refused by the machine. */
  announce(worker: string, invocation: string, attempt: number): void;
  /** Hears the announcements for this worker until the signal aborts. */
  hear(worker: string, onCancel: (invocation: string, attempt: number) => void, signal: AbortSignal): void;
}
