import { hash } from 'node:crypto';
import type { SourceEntry } from '#src/core/log/log-source.ts';
import { digestOf } from './digest.ts';

const sha256 = (content: string): string => hash('sha256', content, 'hex');

/** The messages of so many sequences are hashed by one call. A signer that continues reads up to so many messages again. */
const BLOCK = 256;

/** How far a hash covers the log: up to and with the message at this sequence. */
export type LogHashPosition = { sequence: number; hash: string };

/**
 * One hash over all messages of a log, in order (HEAD1).
 *
 * A message adds one line to the text of its block: its sequence, its time and its digest. The hash of a block covers the text and the hash of
 * the block before. An erasure keeps the digest, and a purge moves messages to the archive, so neither changes the hash. The position and
 * the size of segments do not matter.
 */
export class LogHash {
  #block: LogHashPosition;
  #sequence: number;
  #text = '';
  /** The time of the last message, in milliseconds since the epoch. */
  at = 0;

  /** Starts before the first message of a log, which its time of creation identifies, or after a block. */
  constructor(log: string, block: LogHashPosition = { sequence: 0, hash: sha256(log) }) {
    this.#block = block;
    this.#sequence = block.sequence;
  }

  /** The last message that was taken. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The hash over all messages that were taken. */
  get hash(): string {
    return this.#text === '' ? this.#block.hash : sha256(`${this.#block.hash}\n${this.#text}`);
  }

  /** The end of the last whole block. Another hash can continue there. */
  get block(): LogHashPosition {
    return this.#block;
  }

  /** Takes the next message. Messages up to the present one are ignored. */
  take(entry: SourceEntry): void {
    const { sequence, at } = entry;
    if (sequence <= this.#sequence) return;
    if (Math.floor(sequence / BLOCK) !== Math.floor(this.#sequence / BLOCK)) {
      this.#block = { sequence: this.#sequence, hash: this.hash };
      this.#text = '';
    }
    this.#text += `${sequence} ${at} ${digestOf(entry)}\n`;
    this.#sequence = sequence;
    this.at = at;
  }
}
