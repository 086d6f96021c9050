import type { SourceEntry } from '#src/core/log/log-source.ts';
import { LogHash } from './log-hash.ts';
import type { SignedHead } from './signed-head.ts';

/** Compares the messages of a log with signed heads, while the log is read from its first message. */
export interface HeadCheck {
  take(entry: SourceEntry): void;
  /** Call this function after the last message. `proved` is the sequence of the last head that matches. */
  finish(): { proved: number; problems: { sequence: number; what: string }[] };
}

/**
 * `heads` are statements that the caller believes: from a third party, or with a signature that was checked.
 *
 * One hash covers all messages, so a difference is known to lie between two heads: the last that matches and the first that does not.
 */
export function createHeadCheck(log: string, heads: readonly SignedHead[]): HeadCheck {
  const foreign = heads.filter((head) => head.log !== log);
  const open = heads.filter((head) => head.log === log).sort((one, other) => one.sequence - other.sequence);
  const blocks = new LogHash(log);
  let last = 0;
  let difference: { sequence: number; what: string } | undefined;

  /** Compares the heads up to a sequence with the present hash. */
  function compareUpTo(sequence: number): void {
    for (let head = open[0]; head !== undefined && head.sequence <= sequence; head = open[0]) {
      open.shift();
      if (blocks.sequence === head.sequence && blocks.hash === head.hash) {
        last = head.sequence;
      } else difference ??= { sequence: last + 1, what: describeDifference(head, last, blocks.sequence) };
    }
  }

  return {
    take(entry) {
      compareUpTo(entry.sequence - 1);
      blocks.take(entry);
      compareUpTo(entry.sequence);
    },
    finish() {
      compareUpTo(Number.POSITIVE_INFINITY);
      const problems = foreign.map((head) => ({
        sequence: 0,
        what: `the head at ${head.sequence} is of the log that was created at ${head.log}, but this log was created at ${log}`,
      }));
      if (difference !== undefined) problems.unshift(difference);
      return { proved: last, problems };
    },
  };
}

function describeDifference({ sequence, signedAt }: SignedHead, last: number, end: number): string {
  const signed = `the head at ${sequence}, which was signed at ${new Date(signedAt).toISOString()}`;
  if (end < sequence) return `the log lacks messages that ${signed}, commits to: it has none from ${end + 1} to ${sequence}`;
  return `the log holds other messages from ${last + 1} to ${sequence} than ${signed}, commits to`;
}
