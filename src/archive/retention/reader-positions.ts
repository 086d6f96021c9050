import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import type { LogPurge } from '#src/core/log/log-purge.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';

/** How far other readers have read the log. Nothing after these sequences is purged (J2). */
export interface ReaderPositions {
  /** The lowest position of all live projections. */
  projected(): Promise<number>;
  /** The lowest position of all durable subscribers that moved within a day. */
  subscribed(): Promise<number>;
}

/** The key under which a projection reports its position: `projection.<instance>`. */
export const projectionKey = (instance: string): string => `projection.${instance}`;
const projectionSchema = z.object({ sequence: z.number(), at: z.number() });

/** A reader that was silent for longer no longer blocks the purge. A projection finds purged messages in the archive. */
const MAX_SILENCE_IN_MS = 86_400_000;

type ReaderPositionsOptions = { purge: LogPurge; state: KeyValue; clock: Clock; logger: Logger };

export function createReaderPositions({ purge, state, clock, logger }: ReaderPositionsOptions): ReaderPositions {
  const abandoned = new Set<string>();
  return {
    async projected() {
      let min = Number.POSITIVE_INFINITY;
      for (const key of await state.keys()) {
        if (!key.startsWith(projectionKey(''))) continue;
        const parsed = projectionSchema.safeParse(parseJson((await state.get(key))?.value));
        if (!parsed.success) continue;
        const { sequence, at } = parsed.data;
        if (at > clock.now() - MAX_SILENCE_IN_MS) min = Math.min(min, sequence);
        else {
          logger.warn({ projection: key, sequence }, 'a projection reported no position for a day: it no longer blocks the purge');
          await state.delete(key);
        }
      }
      return min;
    },
    async subscribed() {
      let min = Number.POSITIVE_INFINITY;
      for (const { name, acknowledged, movedAt } of await purge.waitingCursors()) {
        if (movedAt > clock.now() - MAX_SILENCE_IN_MS) min = Math.min(min, acknowledged);
        else if (!abandoned.has(name)) {
          abandoned.add(name);
          logger.warn(
            { cursor: name, sequence: acknowledged },
            'a subscriber acknowledged nothing for a day: it no longer blocks the purge',
          );
        }
      }
      return min;
    },
  };
}
