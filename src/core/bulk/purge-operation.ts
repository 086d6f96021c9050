import { type ErasureRecord, erasureKey, parseErasureRecord } from '#src/core/log/erasure-request.ts';
import { splitName } from '#src/core/names/names.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';

/*
 * The erasures that the janitor performs, as bulk operations. The record of an erasure is the whole truth: nothing is stored twice.
 */

/** An erasure in the form of a stored bulk operation. */
type Purge = {
  id: string;
  revision: number;
  operation: {
    action: 'purge';
    by: string;
    runner: 'janitor';
    project?: string;
    filter: Record<string, unknown>;
    reason?: string;
    state: 'running' | 'done';
    step?: NonNullable<(typeof steps)[keyof typeof steps]>;
    total?: number;
    done: number;
    failed: number;
    leftOut: number;
    failures: [];
    startedAt: number;
    updatedAt: number;
  };
};

/** What the janitor does now, by the state of the record. */
const steps = { asked: 'searching', written: 'waiting for the read models', planned: 'erasing', done: undefined } as const;

/** The erasure of this id as an operation. `undefined` for an unknown id, and for a trial, which only counts. */
export async function readPurge(state: KeyValue, id: string, now: number): Promise<Purge | undefined> {
  const entry = await state.get(erasureKey(id));
  const record = parseErasureRecord(entry?.value);
  return entry === undefined || record === undefined || record.request.isTrial ? undefined : purgeOf(id, record, { ...entry, now });
}

export async function listPurges(state: KeyValue, keys: readonly string[], now: number): Promise<Purge[]> {
  const prefix = erasureKey('');
  const ids = keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  const found = await Promise.all(ids.map((id) => readPurge(state, id, now)));
  return found.filter((one) => one !== undefined);
}

function purgeOf(id: string, { state, request, found }: ErasureRecord, { revision, now }: { revision: number; now: number }): Purge {
  const { project } = splitName(request.function);
  const isDone = state === 'done';
  const step = steps[state];
  return {
    id,
    revision,
    operation: {
      action: 'purge',
      by: request.by,
      runner: 'janitor',
      ...(project === undefined ? {} : { project }),
      filter: {
        function: request.function,
        before: new Date(request.before).toISOString(),
        ...(request.only ? { only: request.only } : {}),
      },
      ...(request.reason === undefined ? {} : { reason: request.reason }),
      state: isDone ? 'done' : 'running',
      ...(step === undefined ? {} : { step }),
      ...(found === undefined ? {} : { total: found.invocations }),
      done: isDone ? (found?.invocations ?? 0) : 0,
      failed: 0,
      leftOut: 0,
      failures: [],
      startedAt: request.at,
      // The janitor writes no time. A purge continues whenever a janitor runs.
      updatedAt: isDone ? request.at : now,
    },
  };
}
