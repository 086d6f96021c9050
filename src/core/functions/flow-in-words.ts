import { formatDuration } from '#src/core/text/format-duration.ts';
import { type Flow, fifoOf } from './flow.ts';
import { rateOf } from './rate.ts';

/** A flow in words: its limits, where it finds the key, and its pool. */
export function flowInWords({ key, pool, ...limits }: Flow): string {
  const found = key === undefined ? '' : `; the key is ${key}`;
  return `${limitsInWords({ key, ...limits })} over all workers${found}${pool === undefined ? '' : `; pool ${pool}`}`;
}

/** The limits of a flow, and its order. */
export function limitsInWords(flow: Flow): string {
  const { concurrency, key, total, rate } = flow;
  const ofKey = key === undefined ? '' : ' of each key';
  const onRetry = fifoOf(flow);
  const order = onRetry === undefined ? '' : `, first in, first out (a retry ${onRetry === 'hold' ? 'holds its key' : 'lets others pass'})`;
  const limits: string[] = [];
  if (concurrency !== undefined)
    limits.push(`${concurrency}${ofKey} at once${order}${total === undefined ? '' : `, ${total} of all keys`}`);
  if (rate !== undefined) {
    const { limit, perInMs, burst } = rateOf(rate);
    limits.push(`${limit}${ofKey} start in ${formatDuration(perInMs)}, ${burst} at once`);
  }
  return limits.join('; ');
}
