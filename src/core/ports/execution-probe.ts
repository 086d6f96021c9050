/** Asks a worker whether it runs an attempt. Used when the log says `running` and another worker has the item. */
export interface ExecutionProbe {
  /**
   * Whether the worker executes this attempt now. False at once without a responder, and false after two seconds without an answer. Rejects
   * when the question cannot be sent.
   */
  isRunning(worker: string, invocation: string, attempt: number): Promise<boolean>;
  /** Answers for this worker until the signal aborts. */
  answer(worker: string, runs: (invocation: string, attempt: number) => boolean, signal: AbortSignal): void;
}
