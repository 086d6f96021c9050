import { describe, expect, test } from 'vitest';
import { namesOf } from '#src/cli/commands/storm/functions.ts';
import { Load, requestsOf } from '#src/cli/commands/storm/load.ts';
import { keepsResults, runStorm } from '#src/cli/commands/storm/run.ts';
import { stormCommand } from '#src/cli/commands/storm/storm.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import { Journal } from '#src/judge/collect.ts';

const fail = (message: string) => async (): Promise<never> => {
  throw new Error(message);
};

/** A storm on a cluster that stores definitions, and answers no question about its log. */
function stormOn(define: () => Promise<void>, stop = new AbortController().signal) {
  const warnings: string[] = [];
  const invoked: string[] = [];
  const client = {
    lastSequence: async () => 0,
    packages: { put: async () => {} },
    functions: {
      put: define,
      delete: async (name: string) => Promise.reject(new FunctionNotFoundError({ name })),
    },
    invoke: async (name: string) => {
      invoked.push(name);
      return {
        requestId: 'r',
        result: async () => ({ outcome: 'failed', envelope: { response_context: { function_error: 'no python3' } } }),
      };
    },
    connection: {
      nats: { subscribe: () => ({ drain: async () => {} }) },
      manager: { streams: { getMessage: fail('the log does not answer') } },
    },
  } as unknown as Parameters<typeof runStorm>[0]['client'];
  const common = { client, functions: namesOf('t'), tag: 't', minutes: 0.01, rate: 1, settle: 0, report: () => {}, stop };
  return { warnings, invoked, ran: runStorm({ ...common, warn: (line) => void warnings.push(line) }) };
}

describe('a storm', () => {
  test('whose removal fails throws its first error, and names what stays', async () => {
    const { ran, warnings } = stormOn(fail('the registry is full'));
    await expect(ran).rejects.toThrow('the registry is full');
    expect(warnings).toEqual([expect.stringMatching(/the log does not answer; then: sequent fn rm storm-t-plain storm-t-retried /)]);
  });

  test('that is stopped while it defines its functions sends no request', async () => {
    const stopping = new AbortController();
    const { ran, invoked } = stormOn(async () => stopping.abort(), stopping.signal);
    await expect(ran).resolves.toBeUndefined();
    expect(invoked).toEqual([]);
  });

  test('is refused on a cluster whose workers cannot execute its functions', async () => {
    const { ran } = stormOn(async () => {});
    await expect(ran).rejects.toThrow('the storm cannot be judged: its first request failed: no python3');
  });

  test('stops sealing its batches when it is stopped', { timeout: 5_000 }, async () => {
    const stopping = new AbortController();
    const client = {
      invoke: fail('away'),
      invokeMany: fail('away'),
      repair: { redrive: fail('away') },
      clock: { now: () => 0 },
      batches: {
        open: async () => {},
        seal: async () => {
          stopping.abort();
          throw new Error('away');
        },
      },
    } as unknown as ConstructorParameters<typeof Load>[0]['client'];
    const load = new Load({ client, storm: namesOf('t'), journal: new Journal(), perSecond: 1, tag: 't' });
    await load.send(AbortSignal.timeout(10));
    await load.sealAll(performance.now() + 10_000, stopping.signal);
  });

  test('judges no published results that their stream may have lost or removed', async () => {
    const keeps = (changed: object): Promise<boolean> => {
      const config = { storage: 'file', max_bytes: 1_000, max_age: 3_600_000 * 1_000_000, ...changed };
      const connection = { manager: { streams: { info: async () => ({ config, state: { bytes: 500 } }) } } };
      return keepsResults({ connection, clock: { now: () => 10_000_000 } } as unknown as Parameters<typeof keepsResults>[0], 9_000_000);
    };
    expect(await keeps({})).toBe(true);
    expect(await keeps({ max_bytes: -1, max_age: 0 })).toBe(true);
    for (const lossy of [{ storage: 'memory' }, { max_bytes: 510 }, { max_age: 900_000 * 1_000_000 }])
      expect(await keeps(lossy)).toBe(false);
  });

  test('counts the requests beside its rate, and has only examples that the judge can hold', () => {
    // Batches and redrives alone: 7.5 each second.
    expect(requestsOf(1_440, 1)).toBeGreaterThan(600_000);
    const written: string[] = [];
    stormCommand()
      .configureOutput({ writeOut: (text) => void written.push(text) })
      .outputHelp();
    const examples = [...written.join('').matchAll(/^ {2}sequent storm (.*)$/gm)].map(([, words = '']) => words);
    expect(examples).toHaveLength(3);
    for (const words of examples) {
      const numberIn = (option: string, otherwise: number): number =>
        Number(new RegExp(`--${option} (\\d+)`).exec(words)?.[1] ?? otherwise);
      expect(requestsOf(numberIn('minutes', 10), numberIn('rate', 50)), words).toBeLessThan(100_000);
    }
  });
});
