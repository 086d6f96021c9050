import type { Erasure } from './erasure.ts';
import type { StreamName } from './event-log.ts';

/** Taking messages out of the log: for whoever archives it, and for nobody else. */
export interface LogPurge {
  /** The durable places of subscribers behind which something waits for them, and when each last moved, in milliseconds since the epoch. */
  waitingCursors(): Promise<{ name: string; acknowledged: number; movedAt: number }[]>;
  /** How many streams have appends in the log. */
  streams(): Promise<number>;
  /** Removes every message before a sequence. */
  purgeBefore(sequence: number): Promise<void>;
  /** Removes single messages; with `overwrite` also from the disk, which takes five times as long. One that is gone already is no error. */
  remove(sequences: readonly number[], options: { overwrite: boolean }): Promise<void>;
  /** The sequence of the newest append of a stream; `undefined` when the log holds none. */
  lastOf(name: StreamName): Promise<number | undefined>;
  /** Appends an erasure once, whatever number of times it is asked to; returns its sequence. */
  appendErasure(erasure: Erasure): Promise<number>;
  /** The sequences of the hints about a function, up to one. */
  hintsOf(fn: string, until: number): Promise<number[]>;
  /** Forgets the oldest results of those that are kept for subscribers, once there are a tenth more than `most`. */
  limitResults(most: number): Promise<void>;
  /** Removes the results of these requests of a function from those that are kept for subscribers; returns how many. */
  removeResults(fn: string, isMeant: (requestId: string) => boolean): Promise<number>;
}
