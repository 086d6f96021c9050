import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { type Fact, type FactOf, isOutcome } from '#machines/facts.ts';
import type { SequentClient } from '#src/client/client.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { contentOf } from '#test/support/hosts/executions.ts';
import { findLifeProblems } from '#test/support/log/folded-log.ts';
import type { LogWatch } from '#test/support/log/log-watch.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const file = new URL('../../support/e2e/functions.mjs', import.meta.url).pathname;
const handler = { kind: 'process', file } as const;
const everySecond = { cron: '* * * * * *', overlap: 'cancel' } as const;
const PATIENCE_IN_MS = 60_000;

type Life = { at: number; facts: readonly Fact[] };

/** The invocations of the fire times of a schedule, in their order. */
function livesOf({ facts }: LogWatch, schedule: string): Life[] {
  const lives = [...facts.values()].flatMap((life) => {
    const [first] = life as [FactOf<'queued'>];
    return first.schedule?.name === schedule && first.schedule.at !== undefined ? [{ at: first.schedule.at, facts: life }] : [];
  });
  return lives.sort((one, other) => one.at - other.at);
}

const endOf = ({ facts }: Life): Fact | undefined => facts.find(isOutcome);
const isCanceled = (life: Life): boolean => {
  const end = endOf(life);
  return end?.type === 'failed' && end.condition === 'InvocationCanceled';
};

/** Stops a schedule, and ends its newest invocation. */
async function stop(client: SequentClient, name: string): Promise<void> {
  await client.schedules.setPaused(name, true);
  const { last } = (await client.schedules.get(name)).progress;
  await client.cancel(last?.id ?? '').catch(() => {});
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a fire time ends the running attempt before, also one that ignores the signal, and names itself', async ({ client, log, folder }) => {
  await client.functions.put({ name: 'deaf', handler: { ...handler, export: 'noted' } });
  const pidFile = join(folder, 'pid');
  await client.schedules.put({ name: 'stuck', function: 'deaf', event: JSON.stringify({ deaf: true, file: pidFile }), ...everySecond });
  // The next attempt writes the file again, which is empty for a moment.
  const pid = await vi.waitFor(() => {
    const content = contentOf(pidFile) ?? '';
    expect(content).toMatch(/\d/);
    return Number(content);
  }, PATIENCE_IN_MS);
  await vi.waitFor(() => expect(isRunning(pid)).toBe(false), PATIENCE_IN_MS);
  const canceled = () => livesOf(log, 'stuck').filter((life) => isCanceled(life) && life.facts.some(({ type }) => type === 'running'));
  // The request of a fire time follows the cancellation that the fire time causes.
  const secondCanceledAt = () => canceled()[1]?.at ?? Number.POSITIVE_INFINITY;
  await vi.waitFor(() => expect(livesOf(log, 'stuck').at(-1)?.at).toBeGreaterThan(secondCanceledAt()), PATIENCE_IN_MS);
  await stop(client, 'stuck');

  for (const life of canceled().slice(0, 2)) {
    const next = livesOf(log, 'stuck').find(({ at }) => at > life.at);
    const reason = `the schedule stuck cancelled it at its fire time ${new Date(next?.at ?? 0).toISOString()} (overlap policy cancel)`;
    expect(endOf(life)).toMatchObject({ failure: { code: 4_208, message: reason } });
    const result = await client.result(life.facts[0]?.invocation ?? '');
    expect(result.envelope.response_context).toEqual({ status_code: 499, function_error: reason });
  }
});

test('of an outcome and a cancellation at the same time one counts, and each fire time fires', async ({ client, log }) => {
  await client.functions.put({ name: 'slow', handler: { ...handler, export: 'slowly' } });
  // An attempt ends at about the next fire time.
  await client.schedules.put({ name: 'racing', function: 'slow', event: '{"ms":960}', ...everySecond });
  await vi.waitFor(() => expect(livesOf(log, 'racing').length).toBeGreaterThan(12), PATIENCE_IN_MS);
  await stop(client, 'racing');
  // The pause does not stop a fire that has begun.
  const ids = await vi.waitFor(async () => {
    const { progress } = await client.schedules.get('racing');
    const lives = livesOf(log, 'racing');
    expect(progress).toMatchObject({ fired: lives.length, last: { at: lives.at(-1)?.at } });
    return lives.map(({ facts: [first] }) => first?.invocation ?? '');
  }, PATIENCE_IN_MS);
  await log.untilNotified(ids);

  for (const id of ids) {
    const facts = log.facts.get(id) ?? [];
    expect(facts.filter(isOutcome)).toHaveLength(1);
    expect(findLifeProblems(id, facts), INVARIANT).toEqual([]);
  }
});

test('an invocation of "schedule run" is not cancelled by a fire time', async ({ client, log }) => {
  await client.functions.put({ name: 'long', handler: { ...handler, export: 'slowly' }, concurrency: 3 });
  await client.schedules.put({ name: 'beside', function: 'long', event: '{"ms":3500}', ...everySecond });
  const run = await client.schedules.run('beside');
  await log.untilNotified([run]);
  await vi.waitFor(() => expect(livesOf(log, 'beside').filter(isCanceled).length).toBeGreaterThan(1), PATIENCE_IN_MS);
  await stop(client, 'beside');
  expect(log.facts.get(run)?.map(({ type }) => type)).toEqual(['queued', 'running', 'succeeded', 'notified']);
});
