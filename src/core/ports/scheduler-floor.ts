import type { KeyValue } from './key-value.ts';

/**
 * The floor: the sequence of the oldest open request, or the next sequence of the log if none is open. The scheduler saves it; the gateway
 * counts from it, the janitor archives below it, and `doctor` reads the oldest open request at it.
 */
const KEY = 'scheduler.floor';

export async function saveFloor(state: KeyValue, floor: number): Promise<void> {
  await state.put(KEY, String(floor));
}

/** The floor that the scheduler saved last; `undefined` before its first save. */
export async function readFloor(state: KeyValue): Promise<number | undefined> {
  const saved = (await state.get(KEY))?.value;
  return saved === undefined ? undefined : Number(saved);
}
