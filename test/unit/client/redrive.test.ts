import { describe, expect, test } from 'vitest';
import { createRepair, type Repair } from '#src/client/repair/repair.ts';
import { type EventLog, NO_APPENDS, type StreamName } from '#src/core/log/event-log.ts';
import { createMemoryLog, type MemoryLog } from '#src/core/memory/memory-log.ts';
import { redriveIdOf } from '#src/core/names/delivery-ids.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { failed, running } from '#test/support/log/facts.ts';
import { acceptStream, append, appendId } from '#test/support/log/opened-log.ts';

const clock = createVirtualClock(1_000);

type Failed = { log: MemoryLog; id: string; name: StreamName };

/** A log with one invocation, which failed. */
async function failedInvocation(): Promise<Failed> {
  const log = createMemoryLog({ clock });
  const { name, ids, state } = await acceptStream(log, 1);
  const [id = ''] = ids;
  const facts = [running(1), failed(1)].map((fact) => ({ ...fact, invocation: id }));
  await log.append(name, append(facts, { request: state.request.sequence }), {});
  return { log, id, name };
}

function repairOf(log: EventLog): Repair {
  const hints = { wake: () => {}, deliver: () => {} };
  return createRepair({ log, hints, clock, by: 'person', appendId, findQueued: async () => [] });
}

/** The repair of a second person, who read the log before the first person changed it. The first change is `meanwhile`. */
function repairBehind(log: MemoryLog, meanwhile: () => Promise<unknown>): Repair {
  let isFirst = true;
  return repairOf({
    ...log,
    async read(name, after) {
      const found = await log.read(name, after);
      if (isFirst) {
        isFirst = false;
        await meanwhile();
      }
      return found;
    },
  });
}

/** The requests that redrive an invocation, and the redrives that its stream records. */
async function redrivesIn({ log, id, name }: Failed): Promise<{ requested: string[]; recorded: string[] }> {
  const requests = log.entries.flatMap((entry) => (entry.kind === 'request' ? entry.message.requests : []));
  const facts = (await log.read(name, NO_APPENDS)).flatMap((one) => one.facts);
  return {
    requested: requests.filter(({ fact }) => fact.redriveOf === id).map(({ fact }) => fact.invocation),
    recorded: facts.flatMap((fact) => (fact.type === 'redriven' ? [fact.redrive] : [])),
  };
}

describe('redriveOnce', () => {
  test('starts one invocation, and leaves the redriven one out from then on', async () => {
    const given = await failedInvocation();
    const repair = repairOf(given.log);
    const first = redriveIdOf(given.id, 1);
    expect([await repair.redriveOnce(given.id), await repair.redriveOnce(given.id)]).toEqual([first, undefined]);
    expect(await redrivesIn(given)).toEqual({ requested: [first], recorded: [first] });
  });

  test('leaves an invocation out that another person redrives at the same time, and records the redrive once', async () => {
    const given = await failedInvocation();
    const first = redriveIdOf(given.id, 1);
    const second = repairBehind(given.log, () => repairOf(given.log).redriveOnce(given.id));
    expect(await second.redriveOnce(given.id)).toBeUndefined();
    expect(await redrivesIn(given)).toEqual({ requested: [first], recorded: [first] });
  });

  test('records the redrive once when another person records it first', async () => {
    const given = await failedInvocation();
    const first = redriveIdOf(given.id, 1);
    const second = repairOf(given.log);
    const append: EventLog['append'] = async (...args) => {
      if (!(await redrivesIn(given)).recorded.includes(first)) await second.redriveOnce(given.id);
      return await given.log.append(...args);
    };
    expect(await repairOf({ ...given.log, append }).redriveOnce(given.id)).toBe(first);
    expect(await redrivesIn(given)).toEqual({ requested: [first], recorded: [first] });
  });

  test('records a redrive whose process ended between the request and the record', async () => {
    const given = await failedInvocation();
    const first = redriveIdOf(given.id, 1);
    const broken = { ...given.log, append: () => Promise.reject(new Error('the process ended')) };
    await expect(repairOf(broken).redriveOnce(given.id)).rejects.toThrow('the process ended');
    expect(await repairOf(given.log).redriveOnce(given.id)).toBeUndefined();
    expect(await redrivesIn(given)).toEqual({ requested: [first], recorded: [first] });
  });
});

describe('redrive', () => {
  test('starts a further invocation each time', async () => {
    const given = await failedInvocation();
    const repair = repairOf(given.log);
    const ids = [redriveIdOf(given.id, 1), redriveIdOf(given.id, 2)];
    expect([await repair.redrive(given.id), await repair.redrive(given.id, { payload: '2' })]).toEqual(ids);
    expect(await redrivesIn(given)).toEqual({ requested: ids, recorded: ids });
  });

  test('starts one invocation for two persons at the same time, and records it once', async () => {
    const given = await failedInvocation();
    const first = redriveIdOf(given.id, 1);
    const second = repairBehind(given.log, () => repairOf(given.log).redrive(given.id));
    expect(await second.redrive(given.id)).toBe(first);
    expect(await redrivesIn(given)).toEqual({ requested: [first], recorded: [first] });
  });

  test('refuses an own event when another person redrives at the same time, and accepts it afterwards', async () => {
    const given = await failedInvocation();
    const second = repairBehind(given.log, () => repairOf(given.log).redrive(given.id, { payload: '1' }));
    await expect(second.redrive(given.id, { payload: '2' })).rejects.toMatchObject({ code: 'WRONG_STATE' });
    expect((await redrivesIn(given)).requested).toHaveLength(1);
    expect(await second.redrive(given.id, { payload: '2' })).toBe(redriveIdOf(given.id, 2));
  });
});
