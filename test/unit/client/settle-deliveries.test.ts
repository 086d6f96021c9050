import { describe, expect, test } from 'vitest';
import type { Destination, Fact } from '#machines/facts.ts';
import { createDeliverySettler, type DeliverySettler } from '#src/client/repair/settle-deliveries.ts';
import { NO_APPENDS, type StreamVersion } from '#src/core/log/event-log.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import {
  alarm,
  billing,
  deliveryDead,
  deliveryDelivered,
  deliveryFailed,
  deliveryRedriven,
  deliveryStarted,
  failed,
  running,
} from '#test/support/log/facts.ts';
import { acceptStream, append, appendId } from '#test/support/log/opened-log.ts';

const clock = createVirtualClock(1_000);
const note = 'the warehouse was told by phone';
const failedTry = [deliveryStarted(1), deliveryFailed(1)];
/** Starts once the failed try is due again. */
const nextTry = deliveryStarted(2, { at: 60 });

/** `before`: the facts that the person's process has read. `meanwhile`: the facts that other processes append then. */
type Race = { destinations?: Destination[]; before: Fact[]; meanwhile: Fact[] };

/** The destinations that a person settles in a race, or the error, and the types of the facts that the person appended. */
async function settleDuring(
  { destinations = [billing], before, meanwhile }: Race,
  settle: (settler: DeliverySettler, id: string) => Promise<string[]>,
): Promise<{ settled: string[] | string; facts: string[] }> {
  const log = createMemoryLog({ clock });
  const { name, ids, state: accepted } = await acceptStream(log, 1);
  const [id = ''] = ids;
  const request = accepted.request.sequence;
  const store = async (facts: Fact[], previous = NO_APPENDS): Promise<StreamVersion | undefined> => {
    const ofInvocation = facts.map((fact) => ({ ...fact, invocation: id }));
    return (await log.append(name, append(ofInvocation, { request, previous }), {}))?.version;
  };
  const read = await store([running(1), failed(1, { destinations }), ...before]);
  const state = await loadStream(log, name, request);
  const invocation = state?.invocations.get(id);
  if (state === undefined || invocation === undefined) throw new Error('the invocation is not there');
  const last = meanwhile.length === 0 ? read : await store(meanwhile, read);
  const hints = { wake: () => {}, deliver: () => {} };
  const settler = createDeliverySettler({ log, hints, clock, by: 'person', appendId, open: async () => ({ state, invocation }) });
  const settled = await settle(settler, id).catch((error: Error) => error.message.replace(id, 'it'));
  const appended = await log.read(name, last ?? NO_APPENDS);
  return { settled, facts: appended.flatMap(({ facts }) => facts.map(({ type }) => type)) };
}

describe('a delivery is given up', () => {
  const giveUp = (settler: DeliverySettler, id: string) => settler.giveUp(id, { note });

  test.each([
    ['waits for its next try', []],
    ['starts its next try at the same time', [nextTry]],
    ['makes its next try, which fails, at the same time', [nextTry, deliveryFailed(2)]],
  ])('when it %s', async (_, meanwhile) => {
    expect(await settleDuring({ before: failedTry, meanwhile }, giveUp)).toEqual({
      settled: [billing.id],
      facts: ['delivery.dead', 'delivery.dismissed'],
    });
  });

  test('but not when its next try delivers it at the same time', async () => {
    const { settled, facts } = await settleDuring({ before: failedTry, meanwhile: [nextTry, deliveryDelivered(2)] }, giveUp);
    expect([settled, facts]).toEqual(['no delivery of it is open', []]);
  });

  test('when another delivery of the outcome is delivered at the same time', async () => {
    const other = { destination: alarm.id };
    const race = {
      destinations: [alarm, billing],
      before: [deliveryStarted(1, other), ...failedTry],
      meanwhile: [deliveryDelivered(1, other), nextTry],
    };
    expect((await settleDuring(race, giveUp)).settled).toEqual([billing.id]);
  });
});

describe('a dead delivery', () => {
  const dead = [deliveryStarted(1), deliveryDead(1)];
  const redrivenInVain = [deliveryRedriven(1), nextTry, deliveryDead(2)];

  test('is dismissed, and redriven, also when a redrive of another person failed at the same time', async () => {
    const race = { before: dead, meanwhile: redrivenInVain };
    expect(await settleDuring(race, (settler, id) => settler.dismiss(id, { note }))).toEqual({
      settled: [billing.id],
      facts: ['delivery.dismissed'],
    });
    expect(await settleDuring(race, (settler, id) => settler.redeliver(id))).toEqual({
      settled: [billing.id],
      facts: ['delivery.redriven'],
    });
  });

  test('is redriven once by two persons at the same time', async () => {
    const { settled, facts } = await settleDuring({ before: dead, meanwhile: [deliveryRedriven(1)] }, (settler, id) =>
      settler.redeliver(id),
    );
    expect([settled, facts]).toEqual(['no delivery of it is dead', []]);
  });
});
