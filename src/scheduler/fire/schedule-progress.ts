import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { decodeProgress, type Progress, progressKeyOf } from '#src/core/schedules/progress.ts';
import type { Schedule, ScheduleName } from '#src/core/schedules/schedule.ts';

export async function readProgress(state: KeyValue, schedule: Schedule): Promise<Progress> {
  return decodeProgress((await state.get(progressKeyOf(schedule.name)))?.value, schedule);
}

/** Applies a change to the stored progress, again after a change by another scheduler, and returns it. `undefined` changes nothing. */
export async function changeProgress(
  state: KeyValue,
  schedule: Schedule,
  change: (present: Progress) => Progress | undefined,
): Promise<Progress> {
  for (;;) {
    const stored = await state.get(progressKeyOf(schedule.name));
    const present = decodeProgress(stored?.value, schedule);
    const next = change(present);
    if (next === undefined) return present;
    try {
      await state.put(progressKeyOf(schedule.name), JSON.stringify(next), stored?.revision ?? 0);
      return next;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}

/** Removes the progress of a removed schedule. */
export async function forgetProgress(state: KeyValue, name: ScheduleName): Promise<void> {
  if ((await state.get(progressKeyOf(name))) !== undefined) await state.delete(progressKeyOf(name));
}
