import type { JanitorOptions } from './janitor-options.ts';
import { createWholeLog } from './whole-log.ts';

const HISTORY_KEY = 'janitor.history';

/**
 * Removes invocations from the read models that finished before the history retention. The erasure is appended to the log, so that
 * all read models remove the same invocations.
 *
 * One erasure covers at least a twenty-fourth of the retention.
 */
export async function limitHistory({ historyRetentionInMs, clock, state, purge, log, archive, name }: JanitorOptions): Promise<void> {
  if (historyRetentionInMs === undefined) return;
  const before = clock.now() - historyRetentionInMs;
  const last = Number((await state.get(HISTORY_KEY))?.value ?? 0);
  const first = last === 0 ? ((await createWholeLog(log, archive).firstFrom(1))?.at ?? before) : last;
  if (before - first < historyRetentionInMs / 24) return;
  const until = (await log.state()).last;
  const id = `history-${Math.floor(before)}`;
  await purge.appendErasure({ v: 1, id, scope: 'read-models', before, until, by: name, at: clock.now(), invocations: 0, messages: 0 });
  await state.put(HISTORY_KEY, String(before));
}
