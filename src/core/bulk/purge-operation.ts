import { randomBytes } from 'node:crypto';
import { ConflictError, WrongStateError } from '#src/core/errors.ts';
import { type ErasureRecord, erasureKey, parseErasureRecord } from '#src/core/log/erasure-request.ts';
import { splitName } from '#src/core/names/names.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';

/*
 * The erasures that the janitor performs, as bulk operations. The record of an erasure is the whole truth: nothing is stored twice.
 */

/** An erasure in the form of a stored bulk operation. */
type Purge = {
  id: string;
  revision: number;
  operation: {
    action: 'purge';
    isTrial?: true;
    by: string;
    runner: 'janitor';
    project?: string;
    filter: Record<string, unknown>;
    reason?: string;
    state: 'running' | 'done' | 'aborted';
    abortBy?: string;
    step?: NonNullable<(typeof steps)[keyof typeof steps]>;
    total?: number;
    messages?: number;
    done: number;
    failed: number;
    leftOut: number;
    failures: [];
    startedAt: number;
    updatedAt: number;
  };
};

/** What the janitor does now, by the state of the record. */
const steps = {
  asked: 'searching',
  written: 'waiting for the read models',
  planned: 'erasing',
  done: undefined,
  aborted: undefined,
} as const;

/** The finished invocations of a function that were accepted before a moment. A trial only counts them. */
export type PurgeRequest = Pick<ErasureRecord['request'], 'function' | 'before' | 'by' | 'reason'> &
  Partial<Pick<ErasureRecord['request'], 'isTrial'>>;

/** How long the result of a trial is kept. */
const TRIAL_KEPT_MS = 3_600_000;

export async function requestPurge(state: KeyValue, request: PurgeRequest, now: number): Promise<Purge> {
  if (request.isTrial) await forgetTrials(state, now);
  const id = randomBytes(8).toString('hex');
  const record: ErasureRecord = { state: 'asked', request: { isTrial: false, ...request, at: now } };
  const revision = await state.put(erasureKey(id), JSON.stringify(record), 0);
  return purgeOf(id, record, { revision, now });
}

/** Removes the trials that ended long ago. A trial changes nothing, so its record is no receipt. */
async function forgetTrials(state: KeyValue, now: number): Promise<void> {
  const keys = (await state.keys()).filter((key) => key.startsWith(erasureKey('')));
  await Promise.all(
    keys.map(async (key) => {
      const record = parseErasureRecord((await state.get(key))?.value);
      if (record?.request.isTrial && isEnded(record) && now - record.request.at > TRIAL_KEPT_MS) await state.delete(key);
    }),
  );
}

/** The erasure of this id as an operation. `undefined` for an unknown id. */
export async function readPurge(state: KeyValue, id: string, now: number): Promise<Purge | undefined> {
  const entry = await state.get(erasureKey(id));
  const record = parseErasureRecord(entry?.value);
  return entry === undefined || record === undefined ? undefined : purgeOf(id, record, { ...entry, now });
}

/**
 * Aborts an erasure that the log does not hold yet. `undefined` for an unknown id.
 *
 * Throws `WrongStateError` when it is over, or when it must be finished everywhere.
 */
export async function abortPurge(state: KeyValue, id: string, { by, now }: { by: string; now: number }): Promise<Purge | undefined> {
  for (;;) {
    const entry = await state.get(erasureKey(id));
    const record = parseErasureRecord(entry?.value);
    if (entry === undefined || record === undefined) return undefined;
    refuseAbort(id, record);
    const aborted: ErasureRecord = { ...record, state: 'aborted', abortBy: by };
    try {
      return purgeOf(id, aborted, { now, revision: await state.put(erasureKey(id), JSON.stringify(aborted), entry.revision) });
    } catch (error) {
      // The janitor wrote meanwhile.
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}

const isEnded = (record: ErasureRecord): record is ErasureRecord & { state: 'done' | 'aborted' } =>
  record.state === 'done' || record.state === 'aborted';

function refuseAbort(id: string, record: ErasureRecord): void {
  const { state, isDecided } = record;
  if (isEnded(record)) throw new WrongStateError({ what: `purge ${id} is over: ${state}` });
  if (state !== 'asked' || isDecided)
    throw new WrongStateError({ what: `purge ${id} is in the log, so it must be finished everywhere; the janitor does it` });
}

/** The erasures as operations, without the trials. */
export async function listPurges(state: KeyValue, keys: readonly string[], now: number): Promise<Purge[]> {
  const prefix = erasureKey('');
  const ids = keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  const found = await Promise.all(ids.map((id) => readPurge(state, id, now)));
  return found.filter((one) => one !== undefined).filter(({ operation }) => !operation.isTrial);
}

function purgeOf(id: string, record: ErasureRecord, { revision, now }: { revision: number; now: number }): Purge {
  const { state, request, abortBy } = record;
  const { project } = splitName(request.function);
  const isOver = isEnded(record);
  const step = steps[state];
  return {
    id,
    revision,
    operation: {
      action: 'purge',
      ...(request.isTrial ? { isTrial: true } : {}),
      by: request.by,
      runner: 'janitor',
      ...(project === undefined ? {} : { project }),
      filter: {
        function: request.function,
        before: new Date(request.before).toISOString(),
        ...(request.only ? { only: request.only } : {}),
      },
      ...(request.reason === undefined ? {} : { reason: request.reason }),
      state: isOver ? record.state : 'running',
      ...(abortBy === undefined ? {} : { abortBy }),
      ...(step === undefined ? {} : { step }),
      ...countsOf(record),
      failed: 0,
      leftOut: 0,
      failures: [],
      startedAt: request.at,
      // The janitor writes no time. A purge continues whenever a janitor runs.
      updatedAt: isOver ? request.at : now,
    },
  };
}

/** What the janitor found, and what it erased. */
function countsOf({ state, request, found }: ErasureRecord): Pick<Purge['operation'], 'total' | 'messages' | 'done'> {
  if (found === undefined) return { done: 0 };
  const { invocations, messages } = found;
  return { total: invocations, messages, done: state === 'done' && !request.isTrial ? invocations : 0 };
}
