import { say } from '#src/cli/texts/say.ts';
import { debounceOf } from '#src/core/functions/debounce.ts';
import { type Flow, fifoOf } from '#src/core/functions/flow.ts';
import { shownPool } from '#src/core/functions/pool-names.ts';
import { agingOf } from '#src/core/functions/priority.ts';
import { rateOf } from '#src/core/functions/rate.ts';
import type { InvocationSummary } from '#src/core/history-questions.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';

/** A flow in words: its limits, where it finds the key, and its pool. */
export function flowInWords({ key, pool, ...limits }: Flow): string {
  const all = say('{limits} over all workers', { limits: limitsInWords({ key, ...limits }) });
  const withKey = key === undefined ? all : say('{flow}; the key is {key}', { flow: all, key });
  return pool === undefined ? withKey : say('{flow}; pool {pool}', { flow: withKey, pool });
}

/** The limits of a flow, and its order. */
export function limitsInWords(flow: Flow): string {
  const limits = countsInWords(flow);
  const aging = agingOf(flow);
  return aging === undefined
    ? limits
    : say('{limits}, the most urgent first (aging {duration})', { limits, duration: formatDuration(aging) });
}

function countsInWords(flow: Flow): string {
  const { rate, key, debounce } = flow;
  const limits = [...concurrencyInWords(flow), ...debounceInWords(debounce)];
  if (rate === undefined) return limits.join(say('; '));
  const { limit, perInMs, burst } = rateOf(rate);
  const values = { limit, duration: formatDuration(perInMs), burst };
  const text =
    key === undefined ? '{limit} start in {duration}, {burst} at once' : '{limit} of each key start in {duration}, {burst} at once';
  return [...limits, say(text, values)].join(say('; '));
}

/** A debounce; empty without one. */
function debounceInWords(debounce: Flow['debounce']): string[] {
  if (debounce === undefined) return [];
  const { keep, waitInMs, maxWaitInMs } = debounceOf(debounce);
  const values = { wait: formatDuration(waitInMs), max: formatDuration(maxWaitInMs) };
  return keep === 'all'
    ? [say('requests within {wait} run together, {max} at most', values)]
    : [say('of requests within {wait} the last one runs, {max} at most', values)];
}

/** The limit of attempts at one moment; empty without one. */
function concurrencyInWords(flow: Flow): string[] {
  const { concurrency: count, key, total } = flow;
  if (count === undefined) return [];
  const onRetry = fifoOf(flow);
  let limits = key === undefined ? say('{count} at once', { count }) : say('{count} of each key at once', { count });
  if (onRetry === 'hold') limits = say('{limits}, first in, first out (a retry holds its key)', { limits });
  else if (onRetry !== undefined) limits = say('{limits}, first in, first out (a retry lets others pass)', { limits });
  return [total === undefined ? limits : say('{limits}, {total} of all keys', { limits, total })];
}

type RecordedWait = Pick<InvocationSummary, 'waitsPool' | 'waitsKey' | 'waitsKind'>;

/** For what an invocation waits, as the log recorded it; `null` when it waits for no flow. */
export function flowWaitInWords({ waitsPool, waitsKey, waitsKind }: RecordedWait): string | null {
  if (typeof waitsPool !== 'string') return null;
  const text = say(waitTexts[waitsKind ?? 'slot'], { pool: shownPool(waitsPool).name });
  return waitsKey ? say('{text}, key {key}', { text, key: waitsKey }) : text;
}

const waitTexts = { slot: 'a slot of {pool}', rate: 'the rate of {pool}', debounce: 'the debounce of {pool}' } as const;
