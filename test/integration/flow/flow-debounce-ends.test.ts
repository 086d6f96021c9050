import { describe, expect, vi } from 'vitest';
import type { Fact, FactOf } from '#machines/facts.ts';
import { connectClient } from '#src/client/client.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { idAt } from '#src/core/names/ids.ts';
import { test } from '#test/support/fixtures.ts';
import { findGroupProblems } from '#test/support/log/debounced-groups.ts';
import { foldWholeLog } from '#test/support/log/folded-log.ts';
import { newStream } from '#test/support/log/opened-log.ts';
import { type RunningSystem, startSystem } from '#test/support/nats/running-system.ts';

type Debounce = { wait: string; maxWait?: string; keep: 'last' | 'all' };
const WAITING = { timeout: 30_000, interval: 20 };

/** A function that notes its events, and that waits for `release` when `holds` says so. */
function createGathers({ holds = false } = {}) {
  const ran: unknown[] = [];
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handler = async (event: unknown): Promise<number> => {
    ran.push(event);
    if (holds) await released;
    return ran.length;
  };
  return { ran, handler, release: () => release() };
}

async function put({ registry }: RunningSystem, debounce: Debounce, more: object = {}): Promise<void> {
  const flow = { key: '$.key', debounce } as NonNullable<FunctionDefinitionInput['flow']>;
  await registry.put({ name: 'gathers', handler: { kind: 'inline' }, flow, ...more });
}

async function invoke(system: RunningSystem, id: string, number: number, key = 'a'): Promise<string> {
  await system.publish('gathers', JSON.stringify({ key, number }), { 'Request-Id': id });
  return id;
}

/** Sends a request for each id at once, so that no pause is between their times of acceptance. One connection keeps their order. */
async function invokeTogether(system: RunningSystem, ids: readonly string[]): Promise<readonly string[]> {
  return await Promise.all(ids.map((id, number) => invoke(system, id, number)));
}

async function factsOf({ ports }: RunningSystem, id: string): Promise<readonly Fact[]> {
  return (await foldWholeLog(ports.log)).facts.get(id) ?? [];
}

async function untilFact<Type extends Fact['type']>(system: RunningSystem, id: string, type: Type): Promise<FactOf<Type>> {
  return await vi.waitFor(async () => {
    const found = (await factsOf(system, id)).find((fact): fact is FactOf<Type> => fact.type === type);
    if (found === undefined) throw new Error(`${id} has no ${type}`);
    return found;
  }, WAITING);
}

async function expectNoProblems(system: RunningSystem): Promise<void> {
  await system.settled();
  const { facts, problems } = await foldWholeLog(system.ports.log);
  expect([...problems, ...findGroupProblems(facts)]).toEqual([]);
}

const outcomeOf = async (system: RunningSystem, id: string): Promise<string | undefined> =>
  (await system.resultFor(id)).subject.split('.')[2];

describe('a debounced request', () => {
  test('runs after the longest wait, although others follow it closely', async ({ server: { url } }) => {
    const { ran, handler } = createGathers();
    await using system = await startSystem(url, new Map([['gathers', handler]]));
    await put(system, { wait: '1s', maxWait: '2s', keep: 'all' });
    const ids = [await invoke(system, 'm-0', 0)];
    const first = system.resultFor('m-0').then(() => true);
    while (!(await Promise.race([first, new Promise<false>((resolve) => setTimeout(resolve, 200, false))])))
      ids.push(await invoke(system, `m-${ids.length}`, ids.length));
    const { at } = await untilFact(system, 'm-0', 'queued');
    const { facts } = await foldWholeLog(system.ports.log);
    const closed = [...facts.values()].flat().filter((fact) => fact.type === 'debounce.closed');
    expect(Math.min(...closed.map(({ dueAt }) => dueAt))).toBeLessThanOrEqual(at + 2_000);
    for (const id of ids) expect(await outcomeOf(system, id)).toBe('succeeded');
    const groups = ran.map((events) => (events as { number: number }[]).map(({ number }) => number));
    // Two groups of one key may run in any order.
    const inOrder = groups.sort(([one = 0], [other = 0]) => one - other);
    expect(inOrder.flat()).toEqual(ids.map((_, number) => number));
    await expectNoProblems(system);
  });

  test('that becomes too old while it waits ends as too old, and the next group runs without it', async ({ server: { url } }) => {
    const { ran, handler } = createGathers();
    await using system = await startSystem(url, new Map([['gathers', handler]]));
    await put(system, { wait: '1h', keep: 'all' }, { policy: { maxAgeInSeconds: 2 } });
    const old = await invoke(system, 'old', 0);
    expect(await outcomeOf(system, old)).toBe('failed');
    expect(await untilFact(system, old, 'failed')).toMatchObject({ condition: 'EventAgeExceeded' });
    await put(system, { wait: '1s', keep: 'all' });
    expect(await outcomeOf(system, await invoke(system, 'new', 1))).toBe('succeeded');
    expect(ran).toEqual([[{ key: 'a', number: 1 }]]);
    await expectNoProblems(system);
  });

  test('of a paused function waits until the function is resumed, and runs then', async ({ server: { url } }) => {
    const { ran, handler } = createGathers();
    await using system = await startSystem(
      url,
      new Map([
        ['gathers', handler],
        ['goes', async () => 0],
      ]),
    );
    const debounce = { wait: '2s', maxWait: '1d', keep: 'all' } as const;
    await put(system, { ...debounce, wait: '1h' });
    const early = await invoke(system, 'early', 0);
    await untilFact(system, early, 'deferred');
    await put(system, debounce, { paused: true });
    // The group of the other function closes later than that of the paused one would.
    await system.registry.put({ name: 'goes', handler: { kind: 'inline' }, flow: { debounce } });
    await system.publish('goes', '{}', { 'Request-Id': 'other' });
    expect(await outcomeOf(system, 'other')).toBe('succeeded');
    expect((await factsOf(system, early)).map(({ type }) => type)).toEqual(['queued', 'deferred']);
    await put(system, debounce, { paused: false });
    expect(await outcomeOf(system, early)).toBe('succeeded');
    expect(ran).toEqual([[{ key: 'a', number: 0 }]]);
    await expectNoProblems(system);
  });

  test('of a batch is a member as any other, and a redrive of it is debounced again', async ({ server: { url } }) => {
    const { ran, handler } = createGathers();
    await using system = await startSystem(url, new Map([['gathers', handler]]));
    await put(system, { wait: '2s', maxWait: '1d', keep: 'all' });
    await using client = await connectClient({ servers: url });
    const batch = newStream('gathers');
    const members = [0, 1].map((number) => ({ payload: JSON.stringify({ key: 'a', number }) }));
    // All at once, as in `invokeTogether`.
    await Promise.all([system.ports.log.accept(batch, members), invoke(system, 'single', 2)]);
    const ids = [...members.map((_, index) => idAt(batch.stream, index)), 'single'];
    for (const id of ids) expect(await outcomeOf(system, id)).toBe('succeeded');
    expect(ran).toEqual([[0, 1, 2].map((number) => ({ key: 'a', number }))]);
    const again = await client.repair.redrive(ids[0] ?? '', { function: 'gathers' });
    expect(await outcomeOf(system, again)).toBe('succeeded');
    expect(await untilFact(system, again, 'debounce.closed')).toMatchObject({ members: [] });
    expect(ran.at(-1)).toEqual([{ key: 'a', number: 0 }]);
    await expectNoProblems(system);
  });
});

describe('a member of a group that runs', () => {
  test('is not cancelled, and ends as its leader does that is cancelled', async ({ server: { url } }) => {
    const { ran, handler, release } = createGathers({ holds: true });
    await using system = await startSystem(url, new Map([['gathers', handler]]));
    await put(system, { wait: '2s', maxWait: '1d', keep: 'all' });
    const [member = '', leader = ''] = await invokeTogether(system, ['member', 'leader']);
    await vi.waitFor(() => expect(ran).toHaveLength(1), WAITING);
    await using client = await connectClient({ servers: url });
    await expect(client.cancel(member)).rejects.toThrow(`is a part of ${leader}`);
    await client.cancel(leader);
    release();
    for (const id of [member, leader]) {
      expect(await outcomeOf(system, id)).toBe('failed');
      expect(await untilFact(system, id, 'failed')).toMatchObject({ condition: 'InvocationCanceled' });
    }
    await expectNoProblems(system);
  });

  test('ends with the failure of the last attempt of its leader, and every attempt gets its event', async ({ server: { url } }) => {
    const ran: unknown[] = [];
    const handler = async (events: unknown): Promise<never> => {
      ran.push(events);
      throw new Error('broken');
    };
    await using system = await startSystem(url, new Map([['gathers', handler]]));
    await put(system, { wait: '2s', maxWait: '1d', keep: 'all' }, { policy: { maxRetries: 1, backoff: { initialInMs: 100 } } });
    const ids = await invokeTogether(system, ['f-0', 'f-1']);
    for (const id of ids) expect(await outcomeOf(system, id)).toBe('failed');
    expect(ran).toEqual(Array.from({ length: 2 }, () => [0, 1].map((number) => ({ key: 'a', number }))));
    expect(await untilFact(system, 'f-0', 'failed')).toMatchObject({
      failure: { message: expect.stringContaining('broken') },
      leader: 'f-1',
    });
    await expectNoProblems(system);
  });
});
