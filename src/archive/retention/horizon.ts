import type { LogPurge } from '#src/core/log/log-purge.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import { MAX_BATCH } from '#src/core/names/ids.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { createBatchSize } from './batch-size.ts';
import { type Limit, upToSequence } from './read-part.ts';
import { createReaderPositions } from './reader-positions.ts';
import type { RetainedStreams } from './retained-streams.ts';

/** How long the log keeps finished invocations. The first limit that is reached counts; without a limit, for ever. */
export type Retention = {
  /** In milliseconds since the acceptance. */
  maxAgeInMs?: number | undefined;
  /** An approximate number of finished invocations: the number of streams times the average size of the batches. */
  maxInvocations?: number | undefined;
};

export type HorizonOptions = Retention & {
  log: LogSource;
  purge: LogPurge;
  state: KeyValue;
  clock: Clock;
  logger: Logger;
  graceInMs: number;
  signal: AbortSignal;
};

/** The streams of the archived part that the log still holds. */
type FoldedStreams = Pick<RetainedStreams, 'settled' | 'settledStreams'>;

/** Decides how far the log may be archived and purged now. */
export interface Horizon {
  /** `undefined` when nothing is to be archived. `upTo` requests everything up to a sequence, regardless of the retention. */
  limit(archived: number, now: { streams: FoldedStreams; upTo?: number | undefined }): Promise<Limit | undefined>;
}

export function createHorizon(options: HorizonOptions): Horizon {
  const { log, purge, clock, graceInMs, maxAgeInMs, maxInvocations } = options;
  const batchSize = createBatchSize(options);
  const readers = createReaderPositions(options);

  /** The number of invocations above the retention, with the settled ones that are not removed yet; 0 while they are too few for a segment. */
  async function surplus(archived: number, { settled, settledStreams }: FoldedStreams): Promise<number> {
    if (maxInvocations === undefined) return 0;
    const streams = (await purge.streams()) - settledStreams;
    if (streams * MAX_BATCH <= maxInvocations) return 0;
    const { last } = await log.state();
    const above = streams * (await batchSize.measure(archived + 1, last)) - maxInvocations;
    return above < Math.max(1, maxInvocations / 10) ? 0 : settled + Math.ceil(above);
  }

  /** The limit of the retention, up to a sequence that no reader blocks. */
  async function retentionLimit(sequence: number, archived: number, streams: FoldedStreams): Promise<Limit | undefined> {
    const now = clock.now();
    const olderThan = maxAgeInMs === undefined ? Number.NEGATIVE_INFINITY : now - maxAgeInMs;
    const above = await surplus(archived, streams);
    const limit = { sequence, youngest: now - graceInMs, olderThan, settled: above };
    if (above > 0) return limit;
    if (maxAgeInMs === undefined) return undefined;
    const first = await log.firstFrom(archived + 1);
    // A segment covers at least a twenty-fourth of the retention, so that a slow log does not fill the archive with tiny segments.
    return first !== undefined && first.at < olderThan - maxAgeInMs / 24 ? limit : undefined;
  }

  return {
    async limit(archived, { streams, upTo }) {
      const projectedTo = Math.min((await log.state()).last, await readers.projected());
      // An erasure does not wait for subscribers.
      const sequence = Math.min(projectedTo, upTo ?? (await readers.subscribed()));
      if (sequence <= archived) return undefined;
      return upTo === undefined ? await retentionLimit(sequence, archived, streams) : upToSequence(sequence);
    },
  };
}
