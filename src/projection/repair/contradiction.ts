import { ERASED, type LogSource, type LogState } from '#src/core/log/log-source.ts';
import { confirmRegression, type Suspicion } from '#src/core/log/losses/regression.ts';
import type { Checkpoint } from '#src/projection/store/checkpoint.ts';

type Waiting = Parameters<typeof confirmRegression>[1];

/** Says why a stored read model does not belong to the log; `undefined` when it does. The leader of the log confirms the reason. */
export async function findContradiction(
  source: LogSource,
  checkpoint: Checkpoint | undefined,
  waiting: Waiting,
): Promise<string | undefined> {
  if (checkpoint === undefined) return undefined;
  const look = async (): Promise<Suspicion | undefined> => {
    const state = await source.state();
    const why =
      describeOtherLog(state, checkpoint) ??
      (await describeMissing(source, checkpoint)) ??
      (await describeOtherMessage(source, checkpoint, { isGone: true }));
    return why === undefined ? undefined : { why, authority: state.authority };
  };
  return await confirmRegression(look, waiting);
}

/**
 * Says why the log contradicts the read model that follows it; `undefined` when it does not. The leader of the log confirms the reason.
 *
 * Finds the contradictions that the replay does not notice: a log that was created again, and a log whose lost sequences hold other
 * messages by now.
 */
export async function findRegression(
  source: LogSource,
  current: () => Checkpoint | undefined,
  waiting: Waiting,
): Promise<string | undefined> {
  const look = async (): Promise<Suspicion | undefined> => {
    const checkpoint = current();
    if (checkpoint === undefined) return undefined;
    const state = await source.state();
    // The message at the checkpoint may have been purged since.
    const why = describeOtherLog(state, checkpoint) ?? (await describeOtherMessage(source, checkpoint, { isGone: false }));
    return why === undefined ? undefined : { why, authority: state.authority };
  };
  return await confirmRegression(look, waiting);
}

function describeOtherLog(state: LogState, { sequence, created }: Checkpoint): string | undefined {
  if (created !== state.created) return `it was folded from a log created on ${created}, but this log was created on ${state.created}`;
  return state.last < sequence ? `the log ends at ${state.last}, but it was folded up to ${sequence}` : undefined;
}

async function describeMissing(source: LogSource, { missing }: Checkpoint): Promise<string | undefined> {
  const missingNow = await source.missing();
  return missingNow === missing ? undefined : `the log misses ${missingNow} messages, but it missed ${missing} when it was folded`;
}

/** `isGone`: a message that is not in the log is another message. */
async function describeOtherMessage(
  source: LogSource,
  { sequence, fingerprint }: Checkpoint,
  { isGone }: { isGone: boolean },
): Promise<string | undefined> {
  const found = await source.fingerprintAt(sequence);
  if (found === fingerprint || found === ERASED || (found === undefined && !isGone)) return undefined;
  return `message ${sequence} of the log is not the message that was folded`;
}
