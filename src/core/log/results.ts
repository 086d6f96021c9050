import type { Outcome } from '#machines/facts.ts';
import type { RequestId } from '#src/core/names/names.ts';
import type { StreamName } from './event-log.ts';

/** A result that is looked for: the type and the time of its outcome, and its text. */
type SoughtResult = Pick<Outcome, 'type' | 'at'> & {
  envelope: string;
  /** Another process may be publishing the result until this time, in ms since the epoch: a missing result is looked for once more then. */
  mayComeUntil?: number | undefined;
};

/** Publishes outcomes for subscribers: one message per invocation, derived from the log. `publish` does not look for an earlier message. */
export interface Results {
  /** The maximum size of one envelope, in bytes. */
  readonly maxBytes: number;
  publish(name: StreamName, id: RequestId, outcome: Outcome['type'], envelope: string): Promise<void>;
  /**
   * Whether the result of this outcome is stored. A result of the other type, or with another envelope, belongs to an outcome that a power
   * cut took.
   *
   * False when the results cannot be read: a result that is published twice does less harm than a missing one.
   */
  isStored(name: StreamName, id: RequestId, result: SoughtResult): Promise<boolean>;
}
