import type { FactOf, Outcome } from '#machines/facts.ts';
import type { StreamState } from './stream.ts';
import type { StreamWriter } from './stream-writer.ts';

/** First tries to tell an outcome. They are appended with it, and only then made (E1). */
export type ClaimedTries = {
  facts: readonly FactOf<'delivery.started'>[];
  /** They are durable: makes them, in the background, and records by this writer what came of them. */
  make(writer: StreamWriter): void;
  /** They were not appended, and will not be made. */
  release(): void;
};

/**
 * Those in this process who tell destinations: they save the worker a hint, and the log an append and a reading. Safe to lose,
 * like a hint: the scheduler sees to what nobody tells.
 */
export interface LocalDeliverer {
  /** Begins those of the first tries that can be made at once; `undefined` when there are none. */
  claim(outcome: Outcome): ClaimedTries | undefined;
  /** Takes over a stream with outcomes. False when there is no room. */
  take(stream: StreamState): boolean;
}
