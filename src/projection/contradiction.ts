import { ERASED, type LogSource, type LogState } from '#src/core/log/log-source.ts';
import type { Checkpoint } from './checkpoint.ts';

/** Says why a read model does not belong to the log; `undefined` when it does. */
export async function findContradiction(
  source: LogSource,
  state: LogState,
  checkpoint: Checkpoint | undefined,
): Promise<string | undefined> {
  if (checkpoint === undefined) return undefined;
  const { sequence, fingerprint, created, missing } = checkpoint;
  if (created !== state.created) return `it was folded from a log created on ${created}, but this log was created on ${state.created}`;
  if (state.last < sequence) return describeShorterLog(state, sequence);
  const missingNow = await source.missing();
  if (missingNow !== missing) return `the log misses ${missingNow} messages, but it missed ${missing} when it was folded`;
  const found = await source.fingerprintAt(sequence);
  return found === fingerprint || found === ERASED ? undefined : `message ${sequence} of the log is not the message that was folded`;
}

export function describeShorterLog({ last }: LogState, folded: number): string {
  return `the log ends at ${last}, but it was folded up to ${folded}`;
}
