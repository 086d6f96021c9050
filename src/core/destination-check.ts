/** Asks those who deliver whether a destination can be used: they hold the connections, and so the permissions (S5). */
export interface DestinationCheck {
  /** Why it cannot be used; `undefined` when it can, or when nobody answers who could tell. */
  refuse(destination: { destination: string; param: string }): Promise<string | undefined>;
  /** Answers for this process until the signal aborts. */
  answer(refuse: (destination: { destination: string; param: string }) => string | undefined, signal: AbortSignal): void;
}
