import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineFunction } from '#src/client/worker/define-function.ts';
import { createTestSequent } from '#src/testing/testing.ts';

const HOUR = 3_600_000;

const billing = defineFunction({
  name: 'billing',
  policy: {
    maxRetries: 3,
    maxAgeInSeconds: 86_400,
    backoff: { initialInMs: HOUR, factor: 2, maxInMs: 6 * HOUR, jitter: 0 },
    onFailure: [{ destination: 'FunctionGraph', param: { func_urn: 'alarm' } }],
  },
  handler: () => {
    throw new Error('the bank is closed');
  },
});
const alarms: unknown[] = [];
const alarm = defineFunction({ name: 'alarm', handler: (event) => void alarms.push(event) });

describe('a Sequent of a test', () => {
  test('makes three retries over seven hours, then notifies the failure target, in milliseconds', async () => {
    await using sequent = await createTestSequent({ functions: [billing, alarm] });
    const { requestId } = await sequent.invoke(billing, { order: 7 });
    await sequent.advance(7 * HOUR - 1);
    expect(await sequent.timeline(requestId)).toMatchObject({ state: 'retrying', attempts: 3 });
    expect(alarms).toEqual([]);
    await sequent.advance(1);
    const { transitions, state } = await sequent.timeline(requestId);
    expect(state).toBe('notified');
    const [accepted] = transitions;
    const began = transitions.filter(({ fact }) => fact.type === 'running').map(({ fact }) => fact.at - (accepted?.fact.at ?? 0));
    expect(began).toEqual([0, HOUR, 3 * HOUR, 7 * HOUR]);
    expect(alarms).toMatchObject([{ request_context: { request_id: requestId, condition: 'UnhandledInvocationError' } }]);
    expect(sequent.results('billing')).toMatchObject([{ requestId, outcome: 'failed' }]);
  });

  test('does not retry an event that the schema of the function refuses', async () => {
    const strict = defineFunction({ name: 'strict', input: z.object({ count: z.number() }), policy: { maxRetries: 3 }, handler: () => 1 });
    await using sequent = await createTestSequent({ functions: [strict] });
    const { requestId, result } = await sequent.invoke('strict', { count: 'many' });
    expect(await result()).toMatchObject({ outcome: 'failed' });
    expect(await sequent.timeline(requestId)).toMatchObject({ attempts: 1, state: 'notified' });
  });

  test('moves the time until an invocation has a result', async () => {
    let calls = 0;
    const flaky = defineFunction({
      name: 'flaky',
      policy: { maxRetries: 2 },
      handler: () => {
        if (++calls < 3) throw new Error('not yet');
        return { calls };
      },
    });
    await using sequent = await createTestSequent({ functions: [flaky] });
    const invoked = await sequent.invoke(flaky, {});
    expect(await invoked.result()).toMatchObject({ outcome: 'succeeded', value: { calls: 3 } });
  });

  test('aborts a hanging handler at its timeout in virtual time', async () => {
    const hanging = defineFunction({ name: 'hanging', timeoutInMs: 3_000, handler: () => new Promise(() => {}) });
    await using sequent = await createTestSequent({ functions: [hanging], graceInMs: 5 });
    const invoked = await sequent.invoke(hanging, {});
    const startedAt = sequent.clock.now();
    expect(await invoked.result()).toMatchObject({ outcome: 'failed' });
    expect(sequent.clock.now() - startedAt).toBe(3_000);
  });

  test('runs a handler once that waits in virtual time for longer than a lease', async () => {
    let runs = 0;
    const slow = defineFunction({
      name: 'slow',
      timeoutInMs: 2 * HOUR,
      handler: async () => {
        runs++;
        await sequent.clock.sleep(HOUR);
        return 'done';
      },
    });
    await using sequent = await createTestSequent({ functions: [slow] });
    await sequent.invoke(slow, {});
    await sequent.runUntilIdle();
    expect(sequent.results()).toMatchObject([{ value: 'done' }]);
    expect(runs).toBe(1);
  });

  test('waits for a handler that does something real', async () => {
    const real = defineFunction({ name: 'real', handler: () => new Promise((resolve) => setTimeout(resolve, 20, 'real')) });
    await using sequent = await createTestSequent({ functions: [real] });
    await sequent.invoke(real, {});
    await sequent.runUntilIdle();
    expect(sequent.results()).toMatchObject([{ value: 'real' }]);
  });

  test('ends an event that became too old while its function was paused', async () => {
    const paused = defineFunction({ name: 'paused', paused: true, policy: { maxAgeInSeconds: 600 }, handler: () => 1 });
    await using sequent = await createTestSequent({ functions: [paused] });
    const { requestId } = await sequent.invoke(paused, {});
    await sequent.advance(599_999);
    expect(await sequent.timeline(requestId)).toMatchObject({ state: 'queued' });
    await sequent.advance(1);
    expect(await sequent.timeline(requestId)).toMatchObject({ state: 'notified', status: 'DISCARD' });
  });

  test('retries a failing destination, and delivers with one id', async () => {
    const told = defineFunction({
      name: 'told',
      policy: { onSuccess: [{ destination: 'HTTP', param: { url: 'https://shop.example/hook' } }] },
      handler: () => 'ok',
    });
    let tries = 0;
    await using sequent = await createTestSequent({
      functions: [told],
      deliver: () => (++tries < 3 ? { kind: 'failed', reason: 'HTTP 503' } : { kind: 'delivered' }),
    });
    await sequent.invoke(told, {});
    await sequent.runUntilIdle();
    expect(sequent.deliveries().map((delivery) => delivery.try)).toEqual([1, 2, 3]);
    expect(new Set(sequent.deliveries().map(({ deliveryId }) => deliveryId)).size).toBe(1);
  });

  test('starts nothing twice under one id', async () => {
    let runs = 0;
    const once = defineFunction({ name: 'once', handler: () => ++runs });
    await using sequent = await createTestSequent({ functions: [once] });
    await sequent.invoke(once, {}, { id: 'order-7' });
    await sequent.invoke(once, {}, { id: 'order-7' });
    await sequent.runUntilIdle();
    expect(runs).toBe(1);
  });

  test('ends what a test cancels', async () => {
    const never = defineFunction({ name: 'never', paused: true, handler: () => 1 });
    await using sequent = await createTestSequent({ functions: [never] });
    const { requestId, result } = await sequent.invoke(never, {});
    await sequent.cancel(requestId);
    expect((await result()).envelope.request_context.condition).toBe('InvocationCanceled');
  });

  test('produces the same ids and times in every run', async () => {
    const run = async (): Promise<unknown> => {
      const flaky = defineFunction({
        name: 'flaky',
        policy: { maxRetries: 2 },
        handler: () => {
          throw new Error('no');
        },
      });
      await using sequent = await createTestSequent({ functions: [flaky] });
      const { requestId } = await sequent.invoke(flaky, {});
      await sequent.runUntilIdle();
      return (await sequent.timeline(requestId)).transitions.map(({ fact: { at, type, invocation } }) => [at, type, invocation]);
    };
    expect(await run()).toEqual(await run());
  });
});
