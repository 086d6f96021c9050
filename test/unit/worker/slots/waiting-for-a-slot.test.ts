import { describe, expect, test } from 'vitest';
import { defineFunction, type HandlerContext } from '#src/client/worker/define-function.ts';
import { createStreamId, idAt } from '#src/core/names/ids.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { createTestSequent, type TestSequent } from '#src/testing/testing.ts';

const SECOND = 1_000;
let clock: TestSequent['clock'];
let started: string[] = [];

/** Runs one execution at a time. Each takes ten seconds and fails. */
const one = defineFunction({
  name: 'one',
  concurrency: 1,
  policy: { maxRetries: 3, maxAgeInSeconds: 30, backoff: { initialInMs: 60 * SECOND } },
  handler: async (_: unknown, { requestId }: HandlerContext) => {
    started.push(requestId);
    await clock.sleep(10 * SECOND);
    throw new Error('fails on purpose');
  },
});

/** Accepts three requests in one message. The worker takes the message as a whole, so two of them wait for a slot. */
async function open() {
  started = [];
  const sequent = await createTestSequent({ functions: [one] });
  clock = sequent.clock;
  const stream = createStreamId(clock.now(), new Uint8Array(8));
  const request = { payload: '{}' };
  await sequent.log.accept({ function: parseFunctionName('one'), stream }, [request, request, request]);
  await sequent.advance(SECOND);
  expect(started).toEqual([idAt(stream, 0)]);
  return { sequent, second: idAt(stream, 1), third: idAt(stream, 2) };
}

describe('an invocation that waits in a worker for its slot', () => {
  test('runs under the terms of the moment at which its attempt starts', async () => {
    const { sequent, second } = await open();
    await using _ = sequent;
    await sequent.functions.changePolicy('one', 'latest', (policy) => ({ ...policy, maxRetries: 0 }));
    await sequent.advance(25 * SECOND);
    expect(await sequent.timeline(second)).toMatchObject({ status: 'FAIL', attempts: 1 });
  });

  test('does not start while the function is paused, and ages', async () => {
    const { sequent, second, third } = await open();
    await using _ = sequent;
    await sequent.functions.put({ ...(await sequent.functions.get('one')).definition, paused: true });
    await sequent.advance(40 * SECOND);
    expect(started.length).toBe(1);
    for (const id of [second, third]) expect(await sequent.timeline(id)).toMatchObject({ status: 'DISCARD', attempts: 0 });
  });

  test('does not start when it became too old during the wait', async () => {
    const { sequent, second, third } = await open();
    await using _ = sequent;
    await sequent.functions.changePolicy('one', 'latest', (policy) => ({ ...policy, maxAgeInSeconds: 15 }));
    await sequent.advance(40 * SECOND);
    expect(await sequent.timeline(second)).toMatchObject({ attempts: 1 });
    expect(await sequent.timeline(third)).toMatchObject({ status: 'DISCARD', attempts: 0 });
  });
});
