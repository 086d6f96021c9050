import { describe, expect, test } from 'vitest';
import { silentLogger } from '#src/core/ports/logger.ts';
import { watchReplicas } from '#src/gateway/operations/replica-watch.ts';

/** Watches replicas whose comparisons end in turn as given; `Error` is a comparison that fails. Resolves after all of them. */
async function watch(...results: (string | undefined | Error)[]) {
  const logged: string[] = [];
  const seen: (string | undefined)[] = [];
  const pausesInMs: number[] = [];
  const stop = new AbortController();
  await new Promise<void>((resolve) => {
    let comparisons = 0;
    const replicas = watchReplicas({
      signal: stop.signal,
      logger: { ...silentLogger, error: (_, text) => void logged.push(text), info: (_, text) => void logged.push(text) },
      clock: {
        now: () => 0,
        async sleep(ms) {
          pausesInMs.push(ms);
          seen.push(replicas.difference);
          if (comparisons < results.length) return;
          stop.abort();
          resolve();
        },
      },
      async compare() {
        const result = results[comparisons++];
        if (result instanceof Error) throw result;
        return result;
      },
    });
  });
  return { seen, logged, pausesInMs };
}

describe('the watch of the replicas', () => {
  test('reports and logs a difference until a comparison finds none, and compares more often meanwhile', async () => {
    const differs = 'n0: 10 messages; n1: 9 messages';
    expect(await watch(undefined, differs, differs, undefined)).toEqual({
      seen: [undefined, differs, differs, undefined],
      logged: [`the replicas of the log differ: ${differs}`, 'the replicas of the log are equal again'],
      pausesInMs: [300_000, 15_000, 15_000, 300_000],
    });
  });

  test('keeps the last difference while the replicas cannot be compared', async () => {
    expect((await watch('they differ', new Error('no leader'))).seen.at(-1)).toBe('they differ');
  });
});
