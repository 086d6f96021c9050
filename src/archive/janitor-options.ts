import type { LogPurge } from '#src/core/log/log-purge.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { Segment } from '#src/core/ports/stores/archive.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { PayloadRemoval } from '#src/core/ports/stores/payload-store.ts';
import type { Retention } from './retention/horizon.ts';
import type { SegmentFiles } from './segments/archive.ts';

export type JanitorOptions = {
  /** The name of this janitor, in the log and in the lease. */
  name: string;
  log: LogSource;
  purge: LogPurge;
  archive: SegmentFiles;
  /** The large payloads, which an erasure removes with their invocations. */
  payloads: PayloadRemoval;
  state: KeyValue;
  clock: Clock;
  logger: Logger;
  retention: Retention;
  /** How long read models keep finished invocations, in milliseconds; `undefined`: for ever. */
  historyRetentionInMs: number | undefined;
  /** The functions with requests in plain text that their encrypting project refused; none are looked for by default. */
  findPlainRequests?: () => Promise<readonly string[]>;
  /** Signs a head at the end of a new segment; by default no head is signed. */
  signSegment?: (segment: Segment, lines: readonly string[]) => Promise<void>;
  /** Whether this process may act now (TIME5); always, by default. */
  takesWork?: () => boolean;
  /** The pause between two rounds, in milliseconds. */
  everyInMs?: number;
  /** Younger messages stay, regardless of the retention, because a process may still work on them. In milliseconds. */
  graceInMs?: number;
  /**
   * Removable messages between retained ones are removed one by one once they are more than this number.
   * By default a tenth of the retained invocations, and at most 20,000.
   */
  maxRemovable?: number;
};
