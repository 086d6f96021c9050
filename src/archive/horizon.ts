import { z } from 'zod';
import type { LogPurge } from '#src/core/log/log-purge.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { parseJson } from '#src/core/text/json.ts';
import { createBatchSize, MOST_IN_A_STREAM } from './batch-size.ts';
import { everythingTo, type Limit } from './read-part.ts';

/** How long the log keeps what is finished. What is reached first counts; without either, for ever. */
export type Retention = {
  /** In milliseconds since it was accepted. */
  maxAgeInMs?: number | undefined;
  /** How many finished invocations, about: they are counted by streams, and by how many were accepted together lately. */
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

/** Says how far the log may be archived and purged now. */
export interface Horizon {
  /** `undefined` when there is nothing to do. `upTo` asks for everything up to a sequence, whatever the retention. */
  limit(archived: number, now: { settled: number; upTo?: number | undefined }): Promise<Limit | undefined>;
}

/** Where a projection says how far it is: `projection.<place>`. */
export const projectionKey = (place: string): string => `projection.${place}`;
const projectionSchema = z.object({ sequence: z.number(), at: z.number() });
/** A reader that was not heard of for so long no longer holds the log back. A projection finds in the archive what it needs. */
const HOLDS_BACK_FOR_MS = 86_400_000;

export function createHorizon(options: HorizonOptions): Horizon {
  const { log, purge, state, clock, logger, graceInMs, maxAgeInMs, maxInvocations, signal } = options;
  const batchSize = createBatchSize({ log, clock, signal });
  const abandoned = new Set<string>();

  /** How far every projection that lives has read. */
  async function projected(): Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    for (const key of await state.keys()) {
      if (!key.startsWith(projectionKey(''))) continue;
      const found = projectionSchema.safeParse(parseJson((await state.get(key))?.value));
      if (!found.success) continue;
      if (found.data.at > clock.now() - HOLDS_BACK_FOR_MS) least = Math.min(least, found.data.sequence);
      else {
        logger.warn({ projection: key, sequence: found.data.sequence }, 'a projection was not heard of for a day: it holds nothing back');
        await state.delete(key);
      }
    }
    return least;
  }

  /** How far every durable subscriber has read that moved within a day. */
  async function subscribed(): Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    for (const { name, acknowledged, movedAt } of await purge.waitingCursors()) {
      if (movedAt > clock.now() - HOLDS_BACK_FOR_MS) least = Math.min(least, acknowledged);
      else if (!abandoned.has(name)) {
        abandoned.add(name);
        logger.warn({ cursor: name, sequence: acknowledged }, 'a subscriber took nothing for a day: its cursor holds nothing back');
      }
    }
    return least;
  }

  /** How many streams are too many; 0 while it is not worth a segment. */
  async function surplus({ archived, settled, last }: { archived: number; settled: number; last: number }): Promise<number> {
    const streams = await purge.streams();
    if (maxInvocations === undefined || streams * MOST_IN_A_STREAM <= maxInvocations) return 0;
    const most = maxInvocations / (await batchSize.measure(archived + 1, last));
    // What is settled and not gone yet is counted by the log too.
    const count = Math.ceil(streams - most);
    return count - settled < Math.max(1, most / 10) ? 0 : count;
  }

  return {
    async limit(archived, { settled, upTo }) {
      const { last } = await log.state();
      const projectedTo = Math.min(last, await projected());
      // Who asked for an erasure does not wait for subscribers.
      const sequence = Math.min(projectedTo, upTo ?? (await subscribed()));
      if (sequence <= archived) return undefined;
      if (upTo !== undefined) return everythingTo(sequence);
      const now = clock.now();
      const olderThan = maxAgeInMs === undefined ? Number.NEGATIVE_INFINITY : now - maxAgeInMs;
      const wanted = await surplus({ archived, settled, last });
      const limit = { sequence, youngest: now - graceInMs, olderThan, settled: wanted };
      if (wanted > 0) return limit;
      if (maxAgeInMs === undefined) return undefined;
      const first = await log.firstFrom(archived + 1);
      // A twenty-fourth of the retention at once: segments of a useful size, however little happens.
      return first !== undefined && first.at < olderThan - maxAgeInMs / 24 ? limit : undefined;
    },
  };
}
