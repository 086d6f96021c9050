import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundlePolicyPage } from '../../../build/site/try/bundle.ts';
import { runPolicy } from '../../../build/site/try/run.ts';
import { FIRST_CHOICE, type PolicyChoice, type RunPolicy } from '../../../src/web/try/choice.ts';

const folder = mkdtempSync(join(tmpdir(), 'sequent-try-'));
let inBrowser: RunPolicy;

beforeAll(async () => {
  await bundlePolicyPage(folder);
  inBrowser = load(readFileSync(join(folder, 'try-policy/run.js'), 'utf8'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Evaluates the bundle among the globals that every browser has, and none of Node's. */
function load(bundle: string): RunPolicy {
  const names = [
    'AbortController',
    'AbortSignal',
    'MessageChannel',
    'TextDecoder',
    'TextEncoder',
    'URL',
    'clearInterval',
    'clearTimeout',
    'console',
    'performance',
    'queueMicrotask',
    'setInterval',
    'setTimeout',
    'structuredClone',
  ];
  const globals = Object.fromEntries(names.map((name) => [name, (globalThis as Record<string, unknown>)[name]]));
  const script = bundle.replace(/export\{([\w$]+) as runPolicy\};/, 'globalThis.runPolicy=$1;');
  const context: { runPolicy?: RunPolicy } = { ...globals };
  runInNewContext(`globalThis.globalThis=globalThis;${script}`, context);
  if (context.runPolicy === undefined) throw new Error('the bundle exports no runPolicy');
  return context.runPolicy;
}

const choices: Readonly<Record<string, Partial<PolicyChoice>>> = {
  'that recovers, with a receiver that recovers': {},
  'that fails for good, with a function as its destination': { failure: 'final', destination: 'FunctionGraph' },
  'whose age passes, with a receiver that refuses': {
    failures: '9',
    initialInMs: '600000',
    maxInMs: '3600000',
    maxAgeInSeconds: '900',
    receiver: 'refuses',
  },
  'without a destination': { failures: '0', destination: 'none' },
};

describe('"Try a policy" in a browser', () => {
  test.for(Object.entries(choices))('runs a function %s as createTestSequent does on Node', async ([, changed]) => {
    const choice = { ...FIRST_CHOICE, ...changed };
    const expected = await runPolicy(choice);
    expect(expected.state).toBe('notified');
    expect(JSON.parse(JSON.stringify(await inBrowser(choice)))).toEqual(JSON.parse(JSON.stringify(expected)));
  });

  test('obeys the policy: two failures, two delays that double, a third attempt that succeeds', async () => {
    const { events, attempts, status } = await inBrowser({ ...FIRST_CHOICE, destination: 'none' });
    expect({ attempts, status }).toEqual({ attempts: 3, status: 'SUCCESS' });
    const waits = events.flatMap(({ fact }) => (fact.type === 'retrying' ? [fact.dueAt - fact.at] : []));
    expect(waits).toEqual([1_000, 2_000]);
  });

  test('says why a policy is refused, in the words of Sequent', async () => {
    await expect(inBrowser({ ...FIRST_CHOICE, maxRetries: '7' })).rejects.toThrow(/retries/);
  });
});
