/** One attempt of an invocation. An earlier version asks without the function, although several functions may have one id (ID1). */
export type AskedAttempt = { function?: string | undefined; invocation: string; attempt: number };

/** Asks a worker whether it runs an attempt. Used when the log says `running` and another worker has the item. */
export interface ExecutionProbe {
  /**
   * Whether the worker executes this attempt now. False at once when no process answers to the name of the worker. `undefined` when a process
   * does and is silent: it may be busy, so that proves nothing (A1). Rejects when the question cannot be sent.
   */
  isRunning(worker: string, asked: AskedAttempt): Promise<boolean | undefined>;
  /** Answers for this worker until the signal aborts. */
  answer(worker: string, runs: (asked: AskedAttempt) => boolean, signal: AbortSignal): void;
}

/** How long after the time limit of an attempt the process of the attempt may be silent and still be believed to run it. */
const MAX_SILENCE_IN_MS = 60_000;

/**
 * Whether an attempt, or a try, is lost by the answer of its process (EXEC6).
 *
 * A silent process may compute without a pause, or lack processor time. It is believed until a minute after the time limit of the attempt: a
 * result that comes later would be too late in any case. A process that died is known at once, because nothing answers to its name.
 */
export function isLost(
  answer: boolean | undefined,
  { startedAt, limitInMs, now }: { startedAt: number; limitInMs: number; now: number },
): boolean {
  return answer === undefined ? now >= startedAt + limitInMs + MAX_SILENCE_IN_MS : !answer;
}
