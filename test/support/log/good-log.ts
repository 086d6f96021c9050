import { defineFunction } from '#src/client/worker/define-function.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { createTestSequent } from '#src/testing/testing.ts';

/** The log after `count` invocations: successes, retries, failures, and deliveries that are delivered, retried and dead. */
export async function runGoodLog(count: number): Promise<FullLogEntry[]> {
  const seen = new Map<string, number>();
  const backoff = { jitter: 0 };
  const orders = defineFunction<{ index: number }, string>({
    name: 'orders',
    concurrency: 100,
    policy: {
      maxRetries: 2,
      backoff,
      onSuccess: [{ destination: 'FunctionGraph', param: { func_urn: 'billing' } }],
      onFailure: [{ destination: 'HTTP', param: { url: 'https://shop.example' } }],
    },
    handler: ({ index }, { requestId, attempt }) => {
      seen.set(requestId, attempt);
      if (index % 7 === 3 || (index % 5 === 1 && attempt < 3)) throw new Error('boom');
      return 'done';
    },
  });
  const billing = defineFunction({ name: 'billing', concurrency: 100, handler: () => {} });
  await using sequent = await createTestSequent({
    functions: [orders, billing],
    deliver: ({ requestId, try: number }) =>
      requestId.length % 2 === 0 && number < 2
        ? { kind: 'failed', reason: 'HTTP 503' }
        : seen.size % 3 === 0
          ? { kind: 'dead', reason: 'HTTP 410' }
          : { kind: 'delivered' },
  });
  await Promise.all(Array.from({ length: count }, (_, index) => sequent.invoke(orders, { index })));
  await sequent.runUntilIdle();
  const entries: FullLogEntry[] = [];
  const stop = new AbortController();
  const last = await sequent.log.lastSequence();
  await sequent.log.followFully(
    1,
    (entry) => {
      entries.push(entry);
      if (entry.sequence >= last) stop.abort();
    },
    stop.signal,
  );
  return entries;
}

/** The keys that hold message counts; each repetition raises them. */
const SEQUENCES = new Set(['sequence', 'version', 'previous', 'request']);
/** The ids that Sequent makes. Each repetition has other first digits. */
const OWN_ID = /[0-9a-f]{4}(?=[0-9a-f]{4}-[0-9a-f]{4}-[578][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})/g;

/** The log of several such runs in sequence, each with its own ids. Copying a run is much faster than running it. */
export function repeatLog(entries: readonly FullLogEntry[], times: number): FullLogEntry[] {
  const text = JSON.stringify(entries);
  const length = (entries.at(-1)?.sequence ?? 0) + 1;
  return Array.from({ length: times }, (_, run) => {
    const own = text.replace(OWN_ID, (digits) => (Number.parseInt(digits, 16) ^ run).toString(16).padStart(4, '0'));
    const move = (key: string, value: unknown): unknown =>
      SEQUENCES.has(key) && typeof value === 'number' && value > 0 ? value + run * length : value;
    return JSON.parse(own, move) as FullLogEntry[];
  }).flat();
}
