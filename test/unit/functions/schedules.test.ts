import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encryptProject } from '#src/core/encryption/change-project.ts';
import { parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';
import { createSchedules } from '#src/functions/schedules.ts';
import { overtakeNextRead } from '#test/support/overtake-next-read.ts';

const NOON = Date.parse('2027-06-01T12:00:00Z');
const nightly = { name: 'nightly', cron: '0 3 * * *', timeZone: 'Europe/Berlin', function: 'report', event: '{}' };

async function open(payloads?: PayloadSealer, store = createMemoryKeyValue()) {
  const clock = { current: NOON, now: () => clock.current };
  const log = createMemoryLog({ clock });
  const functions = createFunctionRegistry(store, { clock });
  await functions.put({ name: 'report', handler: { kind: 'inline' } });
  const state = createMemoryKeyValue();
  const schedules = createSchedules({ store, state, functions, log, clock, payloads, random: { bytes: (size) => randomBytes(size) } });
  return { clock, store, log, functions, schedules };
}

describe('a schedule', () => {
  test('is stored with its next fire times, is listed, and is no function', async () => {
    const { store, functions, schedules } = await open();
    const { next } = await schedules.put(nightly);
    expect(next.map(({ at }) => new Date(at).toISOString())).toEqual([2, 3, 4, 5, 6].map((day) => `2027-06-0${day}T01:00:00.000Z`));
    expect((await schedules.list()).map(({ schedule, next: upcoming }) => [schedule.name, upcoming.length])).toEqual([['nightly', 1]]);
    expect((await functions.list()).map(({ definition }) => definition.name)).toEqual(['report']);
    const problems: string[] = [];
    const { signal } = new AbortController();
    const directory = await openFunctionDirectory(store, { signal, onProblem: (problem) => problems.push(problem) });
    expect([[...directory.names()].length, problems]).toEqual([1, []]);
  });

  test('is found among many by pages, and by a part of its name', async () => {
    const { schedules } = await open();
    for (const name of ['a-1', 'a-2', 'b-1']) await schedules.put({ ...nightly, name });
    const page = async (after: string | undefined, limit: number, part = ''): Promise<[string[], boolean]> => {
      const { states, hasMore } = await schedules.page({ after, limit, isWanted: (name) => name.includes(part) });
      return [states.map(({ schedule }) => schedule.name), hasMore];
    };
    expect(await page(undefined, 2)).toEqual([['a-1', 'a-2'], true]);
    expect(await page('a-2', 2)).toEqual([['b-1'], false]);
    expect(await page(undefined, Number.POSITIVE_INFINITY, '-1')).toEqual([['a-1', 'b-1'], false]);
  });

  test('in a list leaves the thread to other work before the times of the next one are found', async () => {
    const { schedules } = await open();
    for (let index = 0; index < 20; index++) await schedules.put({ ...nightly, name: `rare-${index}`, cron: '0 0 29 2 MON#5' });
    let [turns, isOver] = [0, false];
    const listing = schedules.list(10).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    expect(await listing).toHaveLength(20);
    expect(turns).toBeGreaterThanOrEqual(20);
  });

  test('counts its fire times from its latest change of times, and keeps its identity', async () => {
    const { clock, schedules } = await open();
    await schedules.put(nightly);
    clock.current += 1_000;
    expect((await schedules.put({ ...nightly, event: '[]' })).schedule).toMatchObject({ event: '[]', createdAt: NOON, since: NOON });
    expect((await schedules.put({ ...nightly, cron: '0 4 * * *' })).schedule).toMatchObject({ createdAt: NOON, since: NOON + 1_000 });
  });

  test('that is paused has no next fire time; the times of the pause do not count', async () => {
    const { clock, schedules } = await open();
    await schedules.put(nightly);
    expect((await schedules.setPaused('nightly', true)).next).toEqual([]);
    clock.current += 86_400_000;
    const { schedule, next } = await schedules.setPaused('nightly', false);
    expect([schedule.since, next[0]?.at]).toEqual([NOON + 86_400_000, Date.parse('2027-06-03T01:00:00Z')]);
  });

  test('stays paused when it is replaced at the moment of its pause', async () => {
    const { store, schedules } = await open();
    await schedules.put(nightly);
    overtakeNextRead(store, 'schedule.nightly', () => schedules.setPaused('nightly', true));
    expect((await schedules.put({ ...nightly, event: '[]' })).schedule).toMatchObject({ event: '[]', paused: true });
  });

  test('is not replaced when the caller expects a revision that it no longer has', async () => {
    const { store, schedules } = await open();
    const { revision } = await schedules.put(nightly);
    overtakeNextRead(store, 'schedule.nightly', () => schedules.setPaused('nightly', true));
    await expect(schedules.put({ ...nightly, event: '[]' }, revision)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await schedules.get('nightly')).schedule).toMatchObject({ event: '{}', paused: true });
  });

  test('is removed by its name, and is then unknown', async () => {
    const { schedules } = await open();
    await schedules.put(nightly);
    await schedules.delete('nightly');
    await expect(schedules.get('nightly')).rejects.toThrow('schedule "nightly" does not exist');
    await expect(schedules.delete('nightly')).rejects.toThrow('does not exist');
  });

  test('that is run now requests an invocation at once, each time another one', async () => {
    const { log, schedules } = await open();
    await schedules.put(nightly);
    const ids = [await schedules.run('nightly'), await schedules.run('nightly')];
    const requests = log.entries.flatMap((entry) => (entry.kind === 'request' ? entry.message.requests : []));
    expect(requests.map(({ fact, payload }) => [fact.invocation, fact.schedule, payload])).toEqual(
      ids.map((id) => [id, { name: 'nightly' }, '{}']),
    );
    expect(new Set(ids).size).toBe(2);
  });

  test('of an encrypting project stores and requests a sealed event, which a reader with the key sees', async () => {
    const keys = parseMasterKeys(`k1 ${Buffer.from('k1'.padEnd(32, '.')).toString('base64')}`, 'the keys');
    const store = createMemoryKeyValue();
    await encryptProject(store, undefined, { keys, now: 0 });
    const payloads = new PayloadSealer({ masterKeys: () => keys });
    await store.watch((change) => payloads.applyChange(change), new AbortController().signal);
    const { schedules, log } = await open(payloads, store);
    await schedules.put({ ...nightly, event: '{"secret":1}' });
    expect((await schedules.get('nightly')).schedule.event).toBe('{"secret":1}');
    expect((await store.get('schedule.nightly'))?.value).not.toContain('secret');
    await schedules.run('nightly');
    const [payload = ''] = log.entries.flatMap((entry) =>
      entry.kind === 'request' ? entry.message.requests.map((one) => one.payload) : [],
    );
    expect([payload.startsWith('sealed:'), payloads.open('report', payload)]).toEqual([true, '{"secret":1}']);
    const { schedules: withoutKey } = await open(undefined, store);
    expect((await withoutKey.get('nightly')).schedule.event).toBe(payload);
    // Who has no key changes other fields and keeps the event, and invents no sealed one.
    await withoutKey.put({ ...nightly, cron: '0 4 * * *', event: payload });
    expect((await schedules.get('nightly')).schedule).toMatchObject({ cron: '0 4 * * *', event: '{"secret":1}' });
    await expect(withoutKey.put({ ...nightly, event: `${payload}x` })).rejects.toThrow('the event is not JSON');
  });

  test.for<[string, object, RegExp]>([
    ['a wrong expression', { cron: '0 25 * * *' }, /cron expression "0 25 \* \* \*" is not valid/],
    ['a wrong time zone', { timeZone: 'Mars/Olympus' }, /time zone "Mars\/Olympus" is not known/],
    ['an unknown function', { function: 'nobody' }, /function "nobody" does not exist/],
    ['an unknown version', { qualifier: 'v7' }, /function "report" has no version "v7"/],
    ['an event that is no JSON', { event: '{' }, /the event is not JSON/],
    ['a name with a dot', { name: 'a.b' }, /schedule name "a.b" must be/],
    ['a catch-up window of a second', { catchUpInMs: 1_000 }, /must be 10 seconds to 7 days/],
    ['an unknown overlap policy', { overlap: 'both' }, /overlap/],
    ['a function of another project', { function: 'shop=report' }, /must be of the same project/],
  ])('is refused for %s', async ([, given, why]) => {
    const { schedules } = await open();
    await expect(schedules.put({ ...nightly, ...given })).rejects.toThrow(why);
    expect(await schedules.list()).toEqual([]);
  });
});
