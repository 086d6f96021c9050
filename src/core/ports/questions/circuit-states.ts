/** A circuit that is not closed: the tries of a function's deliveries to one target wait. */
export type CircuitState = {
  /** The process that holds the circuit. Each process has its own. */
  deliverer: string;
  function: string;
  /** The limit key of the target, such as `HTTP https://example.com`. */
  target: string;
  state: 'open' | 'half-open';
  /** Until when no try starts, in milliseconds since the epoch. In the past for a half-open circuit. */
  openUntil: number;
  /** The failures in a row so far. */
  failures: number;
  /** Why the last try failed. */
  reason: string;
};
