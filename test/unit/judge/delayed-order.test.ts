import { describe, expect, test } from 'vitest';
import type { RawMessage } from '#src/judge/evidence.ts';
import { judge } from '#src/judge/judge.ts';
import { plant } from '#test/support/judge/plant.ts';

const BEGIN = 1_796_000_000_000;
type Written = { id: string; what: 'request' | 'delayed' | 'waits' | 'starts' | 'retries' | 'ends' };

/** A log of requests of one key in order, as the product would write it. */
function logOf(written: readonly Written[]): RawMessage[] {
  const requests = new Map<string, number>();
  const attempts = new Map<string, number>();
  return written.map(({ id, what }, index) => {
    const sequence = index + 1;
    const at = BEGIN + sequence * 1_000;
    if (what === 'request' || what === 'delayed') {
      requests.set(id, sequence);
      const headers = { 'Request-Id': id, ...(what === 'delayed' ? { 'Deliver-At': '+2s' } : {}) };
      return { sequence, at, subject: 'invoke.ordered', headers, data: '{"key":"k"}' };
    }
    if (what === 'starts') attempts.set(id, (attempts.get(id) ?? 0) + 1);
    const common = { invocation: id, at, attempt: attempts.get(id) };
    const fact = {
      waits: { type: 'deferred', invocation: id, at, flow: { pool: 'function.ordered', key: 'k' } },
      starts: { type: 'running', ...common, worker: 'w', ...(attempts.get(id) === 1 ? { terms: { maxRetries: 1 } } : {}) },
      retries: { type: 'retrying', ...common, dueAt: at, failure: { kind: 'function' } },
      ends: { type: 'succeeded', ...common, payload: '1' },
    }[what];
    const data = JSON.stringify({ previous: 0, request: requests.get(id), facts: [fact] });
    return { sequence, at, subject: `invocation.ordered.${id}`, headers: {}, data };
  });
}

/** `delayed d, request a, …`: what happens in the log, one message after another. */
function judged(text: string): string[] {
  const written = text.split(', ').map((one) => {
    const [first = '', second = ''] = one.split(' ');
    const isRequest = first === 'request' || first === 'delayed';
    return { id: isRequest ? second : first, what: isRequest ? first : second } as Written;
  });
  const evidence = { log: logOf(written), client: [], expected: { ordered: { key: 'key', isFifo: true } } };
  return judge(plant(evidence, {}));
}

describe('the order of a key with a delayed request', () => {
  test.for([
    ['delays no other request before it waits', 'delayed d, request a, a waits, a starts, a ends, d waits, d starts, d ends'],
    [
      'lets a request end that held the key before, with its retry',
      'delayed d, request a, a waits, a starts, d waits, a retries, a starts, a ends, d starts, d ends',
    ],
    ['lets a request start that waited before', 'delayed d, request a, a waits, d waits, a starts, a ends, d starts, d ends'],
    [
      'comes before those that began to wait later',
      'delayed d, request a, request b, a waits, a starts, d waits, b waits, a ends, d starts, d ends, b starts, b ends',
    ],
  ] as const)('%s', ([, log]) => expect(judged(log)).toEqual([]));

  test.for([
    [
      'that is overtaken by a later request which waited after it',
      'delayed d, request a, d waits, a waits, a starts, a ends, d starts, d ends',
      'a',
    ],
    ['that overtakes an earlier request', 'request a, delayed d, d waits, d starts, d ends, a waits, a starts, a ends', 'd'],
    ['that overtakes an earlier delayed one', 'delayed c, delayed d, c waits, d waits, d starts, d ends, c starts, c ends', 'd'],
  ] as const)('names SLOT7 for one %s', ([, log, id]) =>
    expect(judged(log)).toEqual([`SLOT7: ${id} started before an earlier request of its key`]),
  );
});
