import { say } from '#src/analysis/say.ts';
import { debounceOf } from '#src/core/functions/debounce.ts';
import type { Flow } from '#src/core/functions/flow.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';

/** What the check needs to know of a pool. */
type Pool = {
  functions: readonly { flow: Pick<Flow, 'total' | 'debounce'> | undefined; isPaused: boolean }[];
  running: number;
  /** `nextAt`: when the rate of the key lets the next attempt start; absent without a rate. */
  keys: readonly { key: string; running: number; waiting: number; since: number | undefined; nextAt?: number | undefined }[];
};

export type StuckKeys = { keys: readonly string[]; waiting: number; since: number };

/** After this time, a key that waits although no attempt of the key runs is reported. */
const PATIENCE_IN_MS = 60_000;

/**
 * The keys of a pool for which invocations wait although no attempt of the key runs and slots are free; `undefined` when there is none.
 *
 * An attempt of another key may hold the last slot of the total, a paused function starts nothing, a rate lets the next attempt start later,
 * and a debounce waits for further requests: such waits are as they should be.
 */
export function stuckKeys({ functions, running, keys }: Pool, now: number): StuckKeys | undefined {
  if (functions.some(({ flow, isPaused }) => isPaused || (flow?.total !== undefined && running >= flow.total))) return undefined;
  const debouncedInMs = Math.max(
    0,
    ...functions.map(({ flow }) => (flow?.debounce === undefined ? 0 : debounceOf(flow.debounce).maxWaitInMs)),
  );
  const isStuck = ({ waiting, running: started, since = now, nextAt = 0 }: Pool['keys'][number]): boolean =>
    waiting > 0 && started === 0 && now - Math.max(since + debouncedInMs, nextAt) > PATIENCE_IN_MS;
  const stuck = keys.filter(isStuck);
  if (stuck.length === 0) return undefined;
  return {
    keys: stuck.map(({ key }) => key),
    waiting: stuck.reduce((sum, { waiting }) => sum + waiting, 0),
    since: Math.min(...stuck.map(({ since }) => since ?? now)),
  };
}

export function stuckKeysInWords({ keys: [first = '', ...more], waiting, since }: StuckKeys, now: number): string {
  const values = { key: first, count: more.length, waiting, duration: formatDuration(now - since) };
  if (more.length === 0)
    return say('{waiting} wait for the key "{key}" for up to {duration}, although none of it runs and slots are free', values);
  return say(
    '{waiting} wait for the key "{key}" and {count} more for up to {duration}, although none of these runs and slots are free',
    values,
  );
}
