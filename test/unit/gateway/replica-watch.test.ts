import { describe, expect, test } from 'vitest';
import { silentLogger } from '#src/core/ports/logger.ts';
import { watchReplicas } from '#src/gateway/operations/replica-watch.ts';

/** Watches replicas whose comparisons end in turn as given; `Error` is a comparison that fails. Resolves after all of them. */
async function watch(...results: (string | undefined | Error)[]) {
  const errors: string[] = [];
  const seen: (string | undefined)[] = [];
  const stop = new AbortController();
  const watched = await new Promise<ReturnType<typeof watchReplicas>>((resolve) => {
    let pauses = 0;
    const replicas = watchReplicas({
      signal: stop.signal,
      logger: { ...silentLogger, error: (_, text) => void errors.push(text) },
      clock: {
        now: () => 0,
        async sleep() {
          await Promise.resolve();
          if (pauses > 0) seen.push(replicas.difference);
          if (pauses++ < results.length) return;
          stop.abort();
          resolve(replicas);
        },
      },
      async compare() {
        const result = results[pauses - 1];
        if (result instanceof Error) throw result;
        return result;
      },
    });
  });
  return { seen, errors, difference: watched.difference };
}

describe('the watch of the replicas', () => {
  test('reports and logs a difference until a comparison finds none', async () => {
    const differs = 'n0: 10 messages; n1: 9 messages';
    expect(await watch(undefined, differs, undefined)).toEqual({
      seen: [undefined, differs, undefined],
      errors: [`the replicas of the log differ: ${differs}`],
      difference: undefined,
    });
  });

  test('keeps the last difference while the replicas cannot be compared', async () => {
    expect((await watch('they differ', new Error('no leader'))).difference).toBe('they differ');
  });
});
