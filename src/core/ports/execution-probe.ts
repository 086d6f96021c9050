/** Which worker runs what, asked when the log says `running` and somebody else holds the work. */
export interface ExecutionProbe {
  /**
   * Whether that worker executes this attempt at this moment. False when nobody answers: without a responder at once,
   * from a worker that is stopped or cut off after two seconds. Rejects when it cannot be asked.
   */
  isRunning(worker: string, invocation: string, attempt: number): Promise<boolean>;
  /** Answers for this worker until the signal aborts. */
  answer(worker: string, runs: (invocation: string, attempt: number) => boolean, signal: AbortSignal): void;
}
