import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { defineFunction } from '#src/client/worker/define-function.ts';
import { createTestSequent, type TestSequent } from '#src/testing/testing.ts';
import { chainOf } from '#test/support/log/chain-of.ts';
import { foldWholeLog } from '#test/support/log/folded-log.ts';

/* Chains of functions under virtual time. `test/e2e/destinations/loops.test.ts` has loops on a real server, with the command line. */

const toFunction = (name: string) => ({ destination: 'FunctionGraph' as const, param: { func_urn: name } });

const fn = (name: string, targets: readonly string[], policy: object = {}) =>
  defineFunction({ name, policy: { onSuccess: targets.map(toFunction), ...policy }, handler: () => null });

/** Everything that happened, by invocation, and the chain of a root request in the order of its hops. */
async function chainIn(sequent: TestSequent, root: string) {
  const { facts, problems } = await foldWholeLog(sequent.log);
  const chain = chainOf({ facts }, root);
  return { chain, lives: chain.map(({ invocation }): readonly Fact[] => facts.get(invocation) ?? []), problems };
}

describe('a loop', () => {
  test.for<[string, { names: [string, string]; cycle: readonly string[] }]>([
    ['two functions', { names: ['ring', 'bell'], cycle: ['bell:!prod', 'ring:latest'] }],
    ['one function', { names: ['echo', 'echo'], cycle: ['echo:!prod'] }],
  ])('of %s through an alias, which is allowed, stops at hop 16', async ([, { names, cycle }]) => {
    const [first, last] = names;
    const prod = `default:default:${last}:!prod`;
    const others = first === last ? [] : [fn(first, [prod])];
    await using sequent = await createTestSequent({ functions: [fn(last, []), ...others] });
    const { functions } = sequent;
    await functions.publish(last, { version: 'v1' });
    await functions.putAlias(last, { name: 'prod', version: 'v1' });
    const policy = { onSuccess: [toFunction(first === last ? prod : first)], allowCycle: true };
    await functions.put({ name: last, handler: { kind: 'inline' }, timeoutInMs: 5_000, policy });
    await functions.publish(last, { version: 'v2' });
    // This change closes the loop.
    await functions.putAlias(last, { name: 'prod', version: 'v2' });

    const { requestId: root } = await sequent.invoke(first, {});
    await sequent.runUntilIdle();
    const { chain, lives, problems } = await chainIn(sequent, root);
    const addresses = chain.map(({ function: name, qualifier = 'latest' }) => `${name}:${qualifier}`);

    expect(chain.map(({ lineage }) => lineage?.hop ?? 0)).toEqual(Array.from({ length: 18 }, (_, hop) => hop));
    expect(addresses).toEqual([`${first}:latest`, ...Array.from({ length: 17 }, (_, hop) => cycle[hop % cycle.length])]);
    expect(lives.slice(0, -1).map((life) => life.at(-1)?.type)).toEqual(Array.from({ length: 17 }, () => 'notified'));
    expect(lives.at(-1)).toMatchObject([{ type: 'queued' }, { type: 'failed', condition: 'LoopDetected' }, { type: 'notified' }]);
    expect(lives.at(-2)?.find(({ type }) => type === 'delivery.dead')).toMatchObject({
      reason: `LoopDetected: the chain that began with ${root} has more than 16 hops; ${chain.at(-1)?.invocation} was cut`,
    });
    expect(problems).toEqual([]);
  });
});

test('of a fan-out of ten by ten, 1000 invocations follow, and each cut is recorded on both ends', async () => {
  const level = (name: string, next: string): ReturnType<typeof fn> =>
    fn(
      name,
      Array.from({ length: 10 }, () => next),
    );
  const functions = [fn('w4', []), level('w3', 'w4'), level('w2', 'w3'), level('w1', 'w2'), level('w0', 'w1')];
  await using sequent = await createTestSequent({ functions });
  const { requestId: root } = await sequent.invoke('w0', {});
  await sequent.runUntilIdle();

  const { chain, lives, problems } = await chainIn(sequent, root);
  const ran = lives.filter((life) => life.some(({ type }) => type === 'running')).length;
  const cut = lives.filter((life) => life.some((fact) => fact.type === 'failed' && fact.condition === 'LoopDetected')).length;
  const dead = lives.flat().filter((fact) => fact.type === 'delivery.dead' && fact.reason.startsWith('LoopDetected')).length;
  expect(lives.every((life) => life.some(({ type }) => type === 'notified'))).toBe(true);
  expect(ran).toBe(1_001);
  expect(cut).toBe(dead);
  expect(cut).toBe(chain.length - ran);
  expect(cut).toBeGreaterThan(0);
  expect(problems).toEqual([]);
});
