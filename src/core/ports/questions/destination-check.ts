/** A destination, and the function that would use it. */
export type DestinationQuestion = { destination: string; param: string; function: string };

/** Asks the destinations role whether a destination can be used. That role holds the connections, and so the permissions (SRC5). */
export interface DestinationCheck {
  /**
   * Why the destination cannot be used; `undefined` when it can, or when no destinations role runs. Throws `NoAnswerError` when one runs and
   * does not answer (A1).
   */
  refuse(question: DestinationQuestion): Promise<string | undefined>;
  /** Answers for this process until the signal aborts. */
  answer(refuse: (question: DestinationQuestion) => Promise<string | undefined>, signal: AbortSignal): void;
}
