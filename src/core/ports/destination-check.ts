/** A destination as a function would use it. */
export type DestinationQuestion = { destination: string; param: string; function: string };

/** Asks those who deliver whether a destination can be used: they hold the connections, and so the permissions (SRC5). */
export interface DestinationCheck {
  /** Why it cannot be used; `undefined` when it can, or when nobody answers who could tell. */
  refuse(question: DestinationQuestion): Promise<string | undefined>;
  /** Answers for this process until the signal aborts. */
  answer(refuse: (question: DestinationQuestion) => string | undefined, signal: AbortSignal): void;
}
