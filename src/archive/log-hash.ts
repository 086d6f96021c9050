import { hash } from 'node:crypto';
import type { SourceEntry } from '#src/core/log/log-source.ts';
import { leafOf } from './merkle.ts';
import { lineOf } from './segment.ts';

const sha256 = (content: string): string => hash('sha256', content, 'hex');

/** How far a hash covers the log: up to and with the message at this sequence. */
export type LogHashPosition = { sequence: number; hash: string };

/**
 * One hash over all messages of a log, in order (HEAD1).
 *
 * It covers the leaf of each line as the archive stores it. An erasure keeps the leaf, and a purge moves lines to the archive, so neither
 * changes the hash. The position and the size of segments do not matter.
 */
export class LogHash {
  #position: LogHashPosition;
  /** The time of the last message, in milliseconds since the epoch. */
  at = 0;

  /** Starts before the first message of a log, which its time of creation identifies, or continues at a position. */
  constructor(log: string, position: LogHashPosition = { sequence: 0, hash: sha256(log) }) {
    this.#position = position;
  }

  get position(): LogHashPosition {
    return this.#position;
  }

  /** Takes the next message. Messages up to the position are ignored. */
  take(entry: SourceEntry): void {
    if (entry.sequence <= this.#position.sequence) return;
    const leaf = leafOf(JSON.stringify(lineOf(entry)));
    this.#position = { sequence: entry.sequence, hash: sha256(this.#position.hash + leaf) };
    this.at = entry.at;
  }
}
