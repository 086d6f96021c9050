import type { Msg } from 'nats';
import { describe, expect } from 'vitest';
import { deferred } from '#src/core/deferred.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { changeQuota } from '#src/core/quotas/change-quota.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { type RunningSequent, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const SLOTS = 4;
const BACKLOG = 300;
const test = sharedByFile(() => startSequent({ workerSlots: SLOTS }));
let sequent: RunningSequent;
let responder: Connection;

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  responder = await openConnection({ servers: sequent.server.url });
});
test.afterAll(() => responder.close());

type Step = { function: string; type: 'running' | 'succeeded'; invocation: string };

/** The starts and ends of attempts in the order of the log, while a condition does not hold. */
async function stepsUntil(isOver: (steps: readonly Step[]) => boolean): Promise<Step[]> {
  const steps: Step[] = [];
  const enough = new AbortController();
  const following = sequent.roles.ports.log.followFully(
    1,
    (entry) => {
      if (entry.kind !== 'append') return;
      for (const { type, invocation } of entry.append.facts)
        if (type === 'running' || type === 'succeeded') steps.push({ function: entry.name.function, type, invocation });
      if (isOver(steps)) enough.abort();
    },
    enough.signal,
  );
  await following;
  return steps;
}

const subjectOf = (name: string): string => `fn.${name.replace('=', '.')}`;

const define = (name: string) =>
  sequent.roles.registry.put({ name, handler: { kind: 'subject', subject: subjectOf(name) }, concurrency: 50, timeoutInMs: 60_000 });

/** Answers the requests of functions. Before the returned function is called, no request gets its answer. */
async function answerLater(names: readonly string[], ms: number): Promise<() => void> {
  const released = deferred<void>();
  const answer = async (message: Msg): Promise<void> => {
    await released.promise;
    await systemClock.sleep(ms);
    message.respond('null');
  };
  for (const name of names) responder.nats.subscribe(subjectOf(name), { callback: (_, message) => void answer(message) });
  await responder.nats.flush();
  return () => released.resolve();
}

/** Waits until the worker has requests of each function, which have a slot or wait for one. */
async function untilKnown(names: readonly string[]): Promise<void> {
  const { queue } = sequent.roles.ports;
  for (const name of names) await expect.poll(() => queue.deliveredUpTo(name as FunctionName), { timeout: 40_000 }).toBeGreaterThan(0);
}

async function invoke(name: string, body: unknown): Promise<string> {
  const reply = await sequent.call('POST', `/api/functions/${name}/invocations`, { body });
  expect(reply.status).toBe(202);
  return ((await reply.json()) as { request_id: string }).request_id;
}

describe('a worker with a limit of slots', () => {
  test('starts a request of a project before the backlog of another one', async () => {
    const names = [`${STRANGER.project}=flood`, 'urgent'];
    const release = await answerLater(names, 30);
    for (const name of names) await define(name);
    const events = Array.from({ length: BACKLOG }, () => ({}));
    const flooded = await sequent.call('POST', '/api/functions/flood/invocations?batch', {
      body: events,
      headers: { 'x-auth-token': STRANGER.token },
    });
    expect(flooded.status).toBe(202);
    await stepsUntil((steps) => steps.length >= SLOTS);
    const id = await invoke('urgent', {});
    // The backlog has all slots and does not get smaller before the worker knows the other request.
    await untilKnown(['urgent']);
    release();
    const all = await stepsUntil((steps) => steps.filter(({ type }) => type === 'succeeded').length === BACKLOG + 1);
    let running = 0;
    const most = Math.max(
      ...all.map(({ type }) => {
        running += type === 'running' ? 1 : -1;
        return running;
      }),
    );
    // An attempt gives its slot back before its result is in the log. Without the limit, 50 would run.
    expect(most).toBeLessThan(25);
    const startedBefore = all.findIndex(({ type, invocation }) => type === 'running' && invocation === id);
    const floodedAfter = all.slice(startedBefore).filter(({ function: name, type }) => name !== 'urgent' && type === 'running').length;
    expect(floodedAfter).toBeGreaterThan(BACKLOG / 2);
  });

  test('gives two projects with a backlog the slots by their weights', { timeout: 120_000 }, async () => {
    const names = ['gold', `${STRANGER.project}=iron`];
    const release = await answerLater(names, 20);
    // The worker reads both in this order, so it knows the weight of a project when it knows requests of the functions.
    await changeQuota(sequent.roles.ports.functions, undefined, () => ({ weight: 3 }));
    for (const name of names) await define(name);
    const events = Array.from({ length: 500 }, () => ({}));
    for (const [name, headers] of [
      ['gold', {}],
      ['iron', { 'x-auth-token': STRANGER.token }],
    ] as const)
      expect((await sequent.call('POST', `/api/functions/${name}/invocations?batch`, { body: events, headers })).status).toBe(202);
    // No backlog gets smaller before the worker knows both.
    await untilKnown(names);
    release();
    const starts = (steps: readonly Step[], name: string): number =>
      steps.filter((step) => step.type === 'running' && step.function.endsWith(name)).length;
    const all = await stepsUntil((known) => starts(known, 'gold') === 500);
    // Both have a backlog from the first start of the second one until here.
    const steps = all.slice(all.findIndex(({ function: name }) => name.endsWith('iron')));
    expect(starts(steps, 'gold')).toBeGreaterThan(50);
    const share = starts(steps, 'gold') / (starts(steps, 'gold') + starts(steps, 'iron'));
    expect(share).toBeGreaterThan(0.6);
    expect(share).toBeLessThan(0.9);
  });
});
