/** One attempt of an invocation. An earlier version asks without the function, although several functions may have one id (ID1). */
export type AskedAttempt = { function?: string | undefined; invocation: string; attempt: number };

/** Asks a worker whether it runs an attempt. Used when the log says `running` and another worker has the item. */
export interface ExecutionProbe {
  /**
   * Whether the worker executes this attempt now. False at once without a responder, and false after two seconds without an answer. Rejects
   * when the question cannot be sent.
   */
  isRunning(worker: string, asked: AskedAttempt): Promise<boolean>;
  /** Answers for this worker until the signal aborts. */
  answer(worker: string, runs: (asked: AskedAttempt) => boolean, signal: AbortSignal): void;
}
