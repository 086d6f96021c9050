import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import type { KeyValue } from './key-value.ts';

/**
 * A floor: a sequence of the log below which its owner has nothing left to do, so that the owner continues there.
 *
 * A floor is proved by the message that was the newest one for its owner. When the log has another message at that sequence, or none, it
 * has lost messages, and later ones may have sequences below the floor (MARK1).
 */
export type ProvedFloor = { floor: number; newest: NewestRead };
/** The newest message that was read, and when the log stored it, in milliseconds since the epoch. */
export type NewestRead = { sequence: number; at: number };

/**
 * The key of the scheduler's floor: the sequence of the oldest open request, or the next sequence of the log if none is open. The gateway
 * counts from it, the janitor archives below it, and `doctor` reads the oldest open request at it.
 */
export const SCHEDULER_FLOOR = 'scheduler.floor';

const schema = z.object({ floor: z.number(), newest: z.object({ sequence: z.number(), at: z.number() }) });

/** Without a newest message, the owner has read nothing, and its floor is not saved. */
export async function saveFloor(
  state: KeyValue,
  key: string,
  { floor, newest }: { floor: number; newest: NewestRead | undefined },
): Promise<void> {
  if (newest === undefined) return;
  await state.put(key, JSON.stringify({ floor, newest } satisfies ProvedFloor));
}

/** The floor that was saved last, for a figure that need not be right after a loss; `undefined` before the first one is saved. */
export async function readFloor(state: KeyValue, key: string): Promise<number | undefined> {
  return (await savedAt(state, key))?.floor;
}

/** The floor that was saved last, if the log still has the message that proves it. `timeOf` is the time of the message at a sequence. */
export async function readProvedFloor(
  state: KeyValue,
  key: string,
  timeOf: (sequence: number) => Promise<number | undefined>,
): Promise<ProvedFloor | undefined> {
  const saved = await savedAt(state, key);
  return saved !== undefined && (await timeOf(saved.newest.sequence)) === saved.newest.at ? saved : undefined;
}

async function savedAt(state: KeyValue, key: string): Promise<ProvedFloor | undefined> {
  return schema.safeParse(parseJson((await state.get(key))?.value)).data;
}
