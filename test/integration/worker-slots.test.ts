import { describe, expect } from 'vitest';
import { changeQuota } from '#src/core/quotas/change-quota.ts';
import { type RunningSequent, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const SLOTS = 4;
const BACKLOG = 300;
const file = new URL('../support/gateway/handlers.mjs', import.meta.url).pathname;
const test = sharedByFile(() => startSequent({ workerSlots: SLOTS }));
let sequent: RunningSequent;

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
});

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

const define = (name: string, paused = false) =>
  sequent.roles.registry.put({ name, handler: { kind: 'process', file, export: 'sleep' }, concurrency: 50, paused });

async function invoke(name: string, body: unknown): Promise<string> {
  const reply = await sequent.call('POST', `/api/functions/${name}/invocations`, { body });
  expect(reply.status).toBe(202);
  return ((await reply.json()) as { request_id: string }).request_id;
}

describe('a worker with a limit of slots', () => {
  test('starts a request of a project before the backlog of another one', async () => {
    await define(`${STRANGER.project}=flood`);
    await define('urgent');
    const events = Array.from({ length: BACKLOG }, () => ({ ms: 30 }));
    const flooded = await sequent.call('POST', '/api/functions/flood/invocations?batch', {
      body: events,
      headers: { 'x-auth-token': STRANGER.token },
    });
    expect(flooded.status).toBe(202);
    await stepsUntil((steps) => steps.length >= 2 * SLOTS);
    const id = await invoke('urgent', { ms: 1 });
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

  test('gives two projects with a backlog the slots by their weights', async () => {
    const names = ['gold', `${STRANGER.project}=iron`];
    for (const name of names) await define(name, true);
    await changeQuota(sequent.roles.ports.functions, undefined, () => ({ weight: 3 }));
    const events = Array.from({ length: 500 }, () => ({ ms: 20 }));
    for (const [name, headers] of [
      ['gold', {}],
      ['iron', { 'x-auth-token': STRANGER.token }],
    ] as const)
      expect((await sequent.call('POST', `/api/functions/${name}/invocations?batch`, { body: events, headers })).status).toBe(202);
    for (const name of names) await define(name);
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
