import { describe, expect, test } from 'vitest';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { isDerivedForm } from '#src/core/names/ids.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { requestOfFire } from '#src/core/schedules/fire-request.ts';
import type { Schedule } from '#src/core/schedules/schedule.ts';
import { nightlySchedule } from '#test/support/nightly-schedule.ts';

const AT = Date.parse('2027-06-01T01:00:00Z');
const nightly: Schedule = {
  ...nightlySchedule,
  name: 'shop=nightly' as FunctionName,
  function: 'shop=report' as FunctionName,
  qualifier: '!prod',
  event: '[1]',
  overlap: 'skip',
};
const idOf = (given: Partial<Schedule>, at = AT) => requestOfFire({ ...nightly, ...given }, at).request.id;

describe('the request of a fire time', () => {
  test('has an id of the schedule and the fire time, which no client can bring', () => {
    expect(isDerivedForm(idOf({}))).toBe(true);
    expect(idOf({ event: '[2]', cron: '0 1 * * *' })).toBe(idOf({}));
    const ids = [idOf({}), idOf({}, AT + 1_000), idOf({ createdAt: 2 }), idOf({ name: 'shop=weekly' as FunctionName })];
    expect(new Set(ids).size).toBe(4);
  });

  test('names the schedule, its fire time, the version and the event', async () => {
    const log = createMemoryLog({ clock: { now: () => AT } });
    const { name, request } = requestOfFire(nightly, AT);
    const { sequence } = await log.accept(name, [request]);
    const [accepted] = (await log.readRequest(sequence))?.requests ?? [];
    expect(accepted).toMatchObject({
      payload: '[1]',
      fact: { invocation: request.id, function: 'shop=report', qualifier: '!prod', schedule: { name: 'nightly', at: AT } },
    });
  });

  test('is not believed of a client that writes the header itself (OWN1)', async () => {
    const log = createMemoryLog({ clock: { now: () => AT } });
    const sequence = log.publish('report', '{}', { 'Request-Id': 'order-1', Schedule: `nightly/${AT}` });
    const [accepted] = (await log.readRequest(sequence))?.requests ?? [];
    expect(accepted?.fact).toMatchObject({ invocation: 'order-1' });
    expect(accepted?.fact.schedule).toBeUndefined();
  });
});
