import { describe, expect } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { type DeliveringSystem, startDeliveringSystem, toFunction } from '#test/support/destinations/delivering-system.ts';
import { chainOf } from '#test/support/log/chain-of.ts';
import { foldWholeLog } from '#test/support/log/folded-log.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const file = new URL('../../support/destinations/functions.mjs', import.meta.url).pathname;
const fn = (name: string, targets: readonly string[], facts: object = {}) => ({
  name,
  handler: { kind: 'process', file, export: 'obey' },
  policy: { onSuccess: targets.map(toFunction) },
  ...facts,
});
const looping = (name: string, targets: readonly string[], facts: object = {}) =>
  fn(name, targets, { policy: { onSuccess: targets.map(toFunction), allowCycle: true }, ...facts });

const test = sharedByFile(startDeliveringSystem);
let sequent: DeliveringSystem;
test.beforeAll(({ sequent: own }) => {
  sequent = own;
});

describe('a loop', () => {
  test.for<[string, readonly (readonly [string, readonly string[]])[], string]>([
    ['of one function', [['a1', ['a1']]], 'a1 → a1'],
    [
      'of two functions',
      [
        ['b1', ['b2']],
        ['b2', ['b1']],
      ],
      'b2 → b1 → b2',
    ],
    [
      'with a branch',
      [
        ['c2', ['c1']],
        ['c3', ['c1']],
        ['c1', ['c2', 'c3']],
      ],
      'c1 → c2 → c1',
    ],
    [
      'by full URNs',
      [
        ['d1', ['urn:fss:local:default:function:default:d2:latest']],
        ['d2', ['default:default:d1:latest']],
      ],
      'd2 → d1 → d2',
    ],
  ])('%s is refused when saved, with its path', async ([, definitions, path]) => {
    const put = (name: string, flags: readonly string[] = []) =>
      sequent.run(['fn', 'put', name, '--file', file, '--handler', 'obey', ...flags]);
    // A destination must name a function that exists, or its own function.
    for (const [name] of definitions.slice(1)) expect((await put(name)).code).toBe(0);
    const refused: string[] = [];
    for (const [name, targets] of definitions) {
      const flags = targets.flatMap((target) => ['--on-success', `FunctionGraph=${target}`]);
      const { code, stderr } = await put(name, flags);
      if (code !== 0) refused.push(`${code} ${stderr}`);
    }
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatch(/^2 error: /);
    expect(refused[0]).toContain(`close a loop: ${path};`);
  });

  test('through an alias is refused when the alias moves to a version that closes it, with its path', async () => {
    const put = (name: string, ...flags: string[]) => sequent.run(['fn', 'put', name, '--file', file, '--handler', 'obey', ...flags]);
    const { functions } = sequent.client;
    expect((await put('e1')).code).toBe(0);
    expect((await put('e2')).code).toBe(0);
    await functions.publish('e2', { version: 'v1' });
    expect((await put('e2', '--on-success', 'FunctionGraph=e1', '--timeout', '5s')).code).toBe(0);
    await functions.publish('e2', { version: 'v2' });
    expect((await sequent.run(['fn', 'alias', 'set', 'e2', 'prod', 'v1'])).code).toBe(0);
    expect((await put('e1', '--on-success', 'FunctionGraph=default:default:e2:!prod')).code).toBe(0);

    const moved = await sequent.run(['fn', 'alias', 'set', 'e2', 'prod', 'v2']);
    expect([moved.code, moved.stderr]).toEqual([2, expect.stringContaining('close a loop: e2:!prod → e1 → e2:!prod;')]);
    const direct = await put('e1', '--on-success', 'FunctionGraph=default:default:e2:v2');
    expect([direct.code, direct.stderr]).toEqual([2, expect.stringContaining('close a loop: e1 → e2:v2 → e1;')]);
  });

  test('that is allowed stops at hop 16, with every hop on the timelines and the cut on both ends', async () => {
    const { client, log } = sequent;
    await client.functions.put(fn('ping', ['pong']));
    await expect(client.functions.put(fn('pong', ['ping']))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const allowed = await sequent.run([
      'fn',
      'put',
      'pong',
      '--file',
      file,
      '--handler',
      'obey',
      '--on-success',
      'FunctionGraph=ping',
      '--allow-cycle',
    ]);
    expect(allowed.code).toBe(0);
    const { requestId: root } = await client.invoke('ping', {});
    const cut = await log.until((fact) => fact.type === 'failed' && fact.condition === 'LoopDetected');
    await log.until((fact) => fact.type === 'notified' && fact.invocation === cut.invocation);
    const chain = chainOf(log, root);
    await log.untilNotified(chain.map(({ invocation }) => invocation));
    const facts = chain.map(({ invocation }) => log.facts.get(invocation) ?? []);

    expect(chain.map(({ lineage }) => lineage?.hop ?? 0)).toEqual(Array.from({ length: 18 }, (_, hop) => hop));
    expect(chain.map(({ function: name }) => name)).toEqual(Array.from({ length: 18 }, (_, hop) => (hop % 2 === 0 ? 'ping' : 'pong')));
    expect(chain.slice(1).map(({ lineage }) => [lineage?.root, lineage?.parent])).toEqual(
      chain.slice(0, -1).map(({ invocation }) => [root, invocation]),
    );
    expect(facts.slice(0, -1).filter((life) => life.some(({ type }) => type === 'succeeded'))).toHaveLength(17);
    expect(facts.at(-1)?.map(({ type }) => type)).toEqual(['queued', 'failed', 'notified']);
    expect(facts.at(-2)?.find(({ type }) => type === 'delivery.dead')).toMatchObject({
      reason: `LoopDetected: the chain that began with ${root} has more than 16 hops; ${chain.at(-1)?.invocation} was cut`,
    });
    expect((await sequent.run(['timeline', chain[2]?.invocation ?? ''])).stdout).toContain(`hop 2 of the chain of ${root}`);
    const ends = await Promise.all(chain.slice(-2).map(({ invocation }) => sequent.run(['timeline', invocation])));
    for (const [index, { stdout }] of ends.entries()) {
      expect(stdout).toContain(`hop ${16 + index} of the chain of ${root}`);
      expect(stdout).toContain('LoopDetected');
    }
    process.stdout.write(`loop: ${chain.length} invocations, hops ${chain.map(({ lineage }) => lineage?.hop ?? 0).join(' ')}\n`);
  });

  test('stops at once when one of its functions is paused, and continues without a loss when resumed', async () => {
    // A thousand hops of 100 ms each: no chain ends by itself, however long a command takes.
    await using endless = await startDeliveringSystem({}, { SEQUENT_MAX_HOPS: '1000', SEQUENT_MAX_CHAIN: '1000000' });
    const { client, log } = endless;
    const slow = { userData: { ms: '100' } };
    await client.functions.put(looping('tick', ['tock'], slow));
    await client.functions.put(looping('tock', ['tick'], slow));
    const requests = await client.invokeMany(
      'tick',
      Array.from({ length: 20 }, () => ({})),
    );
    const roots = requests.map(({ requestId }) => requestId);
    await log.until((fact) => fact.type === 'queued' && fact.function === 'tock' && (fact.lineage?.hop ?? 0) >= 3);
    const paused = await endless.run(['fn', 'pause', 'tock']);
    expect(paused).toMatchObject({ code: 0, stdout: 'tock is paused; to resume: sequent fn resume tock\n' });
    // Executions in progress end, and their next hop waits.
    const waiting = () =>
      [...log.facts.values()].flatMap((life) => {
        const [first] = life;
        return life.length === 1 && first?.type === 'queued' && first.function === 'tock' ? [first] : [];
      });
    while (waiting().length < roots.length) await systemClock.sleep(20);
    const last = await client.lastSequence();
    const startedBefore = [...log.facts.values()].flat().filter(({ type }) => type === 'running').length;
    await systemClock.sleep(2_500);
    const startedMeanwhile = [...log.facts.values()].flat().filter(({ type }) => type === 'running').length - startedBefore;
    const waited = waiting();

    expect((await endless.run(['fn', 'get', 'tock'])).stdout).toContain('paused');
    expect((await endless.run(['fn', 'resume', 'tock'])).code).toBe(0);
    const hops = waited.map(({ lineage }) => lineage?.hop ?? 0);
    const continues = (root: string, hop: number) =>
      log.until((fact) => fact.type === 'queued' && fact.lineage?.root === root && fact.lineage.hop === hop + 4);
    for (const { lineage } of waited) await continues(lineage?.root ?? '', lineage?.hop ?? 0);
    process.stdout.write(
      `pause: ${waited.length} invocations waited at hops ${Math.min(...hops)} to ${Math.max(...hops)}, ` +
        `${startedMeanwhile} attempts in 2.5 s, log at ${last}; then all continued\n`,
    );
    expect(startedMeanwhile).toBe(0);
    expect(waited).toHaveLength(roots.length);
    for (const { lineage } of waited) {
      const chain = chainOf(log, lineage?.root ?? '').map(({ lineage: ofHop }) => ofHop?.hop ?? 0);
      expect(chain).toEqual(chain.map((_, hop) => hop));
    }
    expect(new Set(waited.map(({ lineage }) => lineage?.root))).toEqual(new Set(roots));
  });
});

test('the maximum of hops is configurable', async () => {
  await using short = await startDeliveringSystem({}, { SEQUENT_MAX_HOPS: '2' });
  await short.client.functions.put(looping('again', ['again']));
  const { requestId: root } = await short.client.invoke('again', {});
  const cut = await short.log.until((fact) => fact.type === 'failed' && fact.condition === 'LoopDetected');
  await short.log.untilNotified([cut.invocation]);
  expect(chainOf(short.log, root).map(({ lineage }) => lineage?.hop ?? 0)).toEqual([0, 1, 2, 3]);
});

test('of a fan-out, as many invocations follow as are configured, and each cut is recorded on both ends', async () => {
  const maxChain = 50;
  await using wide = await startDeliveringSystem({}, { SEQUENT_MAX_CHAIN: String(maxChain) });
  const { client, log } = wide;
  const level = (name: string, next: string) =>
    fn(
      name,
      Array.from({ length: 10 }, () => next),
      { handler: { kind: 'process', file, export: 'obey' }, concurrency: 64, memoryInMb: 128 },
    );
  for (const [name, next] of [
    ['w3', 'w4'],
    ['w2', 'w3'],
    ['w1', 'w2'],
    ['w0', 'w1'],
  ] as const)
    await client.functions.put(level(name, next));
  await client.functions.put(fn('w4', []));
  const { requestId: root } = await client.invoke('w0', {});
  const isOver = () => chainOf(log, root).every(({ invocation }) => log.facts.get(invocation)?.some(({ type }) => type === 'notified'));
  const deadline = performance.now() + 100_000;
  do await systemClock.sleep(100);
  while (!(chainOf(log, root).length > maxChain && isOver()) && performance.now() < deadline);

  const chain = chainOf(log, root);
  const lives = chain.map(({ invocation }) => log.facts.get(invocation) ?? []);
  const ran = lives.filter((life) => life.some(({ type }) => type === 'running')).length;
  const cut = lives.filter((life) => life.some((fact) => fact.type === 'failed' && fact.condition === 'LoopDetected')).length;
  const dead = lives.flat().filter((fact) => fact.type === 'delivery.dead' && fact.reason.startsWith('LoopDetected')).length;
  const perHop = [0, 1, 2, 3, 4].map((hop) => chain.filter(({ lineage }) => (lineage?.hop ?? 0) === hop).length);
  process.stdout.write(`fan-out, ${maxChain} allowed: ${ran} ran, ${cut} cut, ${dead} deliveries dead, by hop ${perHop.join(' ')}\n`);

  expect(isOver()).toBe(true);
  expect(ran).toBe(maxChain + 1);
  expect(cut).toBe(dead);
  expect(cut).toBe(chain.length - ran);
  expect((await foldWholeLog(log.ports.log)).problems).toEqual([]);
});
