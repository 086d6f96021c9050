import { describe, expect, test } from 'vitest';
import { defineFunction, type HandlerContext } from '#src/client/define-function.ts';
import { createTestSequent } from '#src/testing/testing.ts';
import { collect } from '#test/support/log/opened-log.ts';

const SECOND = 1_000;

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
    const last = await sequent.log.lastSequence();
    const entries = await collect(
      (onEntry: (entry: { kind: string; sequence: number }) => void, signal) => sequent.log.follow(1, onEntry, signal),
      ({ sequence }) => sequence === last,
    );
    expect(entries.filter(({ kind }) => kind === 'hint')).toHaveLength(1);
  });
});
