import { describe, expect, test } from 'vitest';
import { defineFunction, type HandlerContext } from '#src/client/worker/define-function.ts';
import { createTestSequent, type TestSequent } from '#src/testing/testing.ts';
import { collect } from '#test/support/log/opened-log.ts';

const SECOND = 1_000;

/** The number of hints in the log. */
async function hintsIn(sequent: TestSequent): Promise<number> {
  const last = await sequent.log.lastSequence();
  const entries = await collect(
    (onEntry: (entry: { kind: string; sequence: number }) => void, signal) => sequent.log.follow(1, onEntry, signal),
    ({ sequence }) => sequence === last,
  );
  return entries.filter(({ kind }) => kind === 'hint').length;
}

describe('a retry whose wake waits in the queue', () => {
  test('is woken once, however long the queue is', async () => {
    const slow = defineFunction({
      name: 'slow',
      concurrency: 1,
      policy: { maxRetries: 1, backoff: { initialInMs: SECOND, jitter: 0 } },
      handler: async (event: { fails: boolean }, { attempt }: HandlerContext) => {
        await sequent.clock.sleep(4 * SECOND);
        if (event.fails && attempt === 1) throw new Error('fails on purpose');
      },
    });
    await using sequent = await createTestSequent({ functions: [slow] });
    const { requestId } = await sequent.invoke(slow, { fails: true });
    for (let index = 0; index < 20; index++) await sequent.invoke(slow, { fails: false });
    await sequent.runUntilIdle();
    expect(await sequent.timeline(requestId)).toMatchObject({ state: 'notified', attempts: 2 });
    expect(sequent.results()).toHaveLength(21);
    expect(await hintsIn(sequent)).toBe(1);
  });
});

describe('a delayed request', () => {
  const slow = defineFunction({ name: 'slow', concurrency: 1, handler: () => sequent.clock.sleep(4 * SECOND) });
  let sequent: TestSequent;

  test('that no worker was offered before it was due is not hinted at, however long the queue is', async () => {
    sequent = await createTestSequent({ functions: [slow] });
    await using _ = sequent;
    for (let index = 0; index < 20; index++) await sequent.invoke(slow, index);
    const { requestId } = await sequent.invoke(slow, {}, { delay: 10 * SECOND });
    await sequent.runUntilIdle();
    expect(await sequent.timeline(requestId)).toMatchObject({ state: 'notified', attempts: 1 });
    expect(await hintsIn(sequent)).toBe(0);
  });

  test('that was offered before is woken once, however long the queue is by then', async () => {
    sequent = await createTestSequent({ functions: [slow] });
    await using _ = sequent;
    const { requestId } = await sequent.invoke(slow, {}, { delay: 10 * SECOND });
    for (let index = 0; index < 20; index++) await sequent.invoke(slow, index);
    await sequent.runUntilIdle();
    expect(await sequent.timeline(requestId)).toMatchObject({ state: 'notified', attempts: 1 });
    expect(await hintsIn(sequent)).toBe(1);
  });

  test('that is due within milliseconds starts within milliseconds, whether it was offered before or not', async () => {
    const quick = defineFunction({ name: 'quick', handler: () => undefined });
    await using one = await createTestSequent({ functions: [quick] });
    for (let delay = 1; delay <= 40; delay++) {
      const { requestId } = await one.invoke(quick, {}, { delay });
      await one.runUntilIdle();
      const [queued, running] = (await one.timeline(requestId)).transitions.map(({ fact }) => fact);
      expect((running?.at ?? 0) - (queued?.at ?? 0) - delay).toBeLessThan(50);
    }
  });
});

describe('requests that wait in the log', () => {
  test.each([
    ['a token of their rate', { rate: { limit: 1, per: '1s', burst: 1 } }],
    ['a slot', { concurrency: 1 }],
  ])('for %s are not woken, because the worker that gives it to them starts them', async (_, flow) => {
    const paced = defineFunction({ name: 'paced', flow, handler: () => sequent.clock.sleep(SECOND) });
    await using sequent = await createTestSequent({ functions: [paced] });
    for (let index = 0; index < 40; index++) await sequent.invoke(paced, index);
    await sequent.runUntilIdle();
    expect(sequent.results()).toHaveLength(40);
    expect(await hintsIn(sequent)).toBe(0);
  });
});
