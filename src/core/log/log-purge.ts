import type { Erasure } from './erasure.ts';
import type { StreamName } from './event-log.ts';

/** Removes messages from the log. Only the janitor uses it. */
export interface LogPurge {
  /** The durable subscribers that have not received every message, and when each last advanced, in milliseconds since the epoch. */
  waitingCursors(): Promise<{ name: string; acknowledged: number; movedAt: number }[]>;
  /** The number of streams that have appends in the log. */
  streams(): Promise<number>;
  /** Removes every message before a sequence. */
  purgeBefore(sequence: number): Promise<void>;
  /** Removes single messages, and ignores missing ones. `overwrite` also overwrites the disk, which takes five times as long. */
  remove(sequences: readonly number[], options: { overwrite: boolean }): Promise<void>;
  /** The sequence of the newest append of a stream; `undefined` when the log holds none. */
  lastOf(name: StreamName): Promise<number | undefined>;
  /**
   * Appends an erasure once, also when called repeatedly; returns its sequence. `part` counts from 1: the record that names a part of the
   * erased messages.
   */
  appendErasure(erasure: Erasure, part?: number): Promise<number>;
  /** The sequences of the hints about a function, up to `until`. */
  hintsOf(fn: string, until: number): Promise<number[]>;
  /** Removes the oldest stored results, once there are a tenth more than `max`. */
  limitResults(max: number): Promise<void>;
  /** Removes the stored results of the matching requests of a function; returns how many. */
  removeResults(fn: string, matches: (requestId: string) => boolean): Promise<number>;
}
