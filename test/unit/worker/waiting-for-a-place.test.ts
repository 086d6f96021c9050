import { describe, expect, test } from 'vitest';
import { defineFunction, type HandlerContext } from '#src/client/define-function.ts';
import { createStreamId, idAt } from '#src/core/names/ids.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { createTestSequent, type TestSequent } from '#src/testing/testing.ts';

const SECOND = 1_000;
let clock: TestSequent['clock'];
let begun: string[] = [];

/** One at a moment; each takes ten seconds, and fails. */
const one = defineFunction({
  name: 'one',
  concurrency: 1,
  policy: { maxRetries: 3, maxAgeInSeconds: 30, backoff: { initialInMs: 60 * SECOND } },
  handler: async (_: unknown, { requestId }: HandlerContext) => {
    begun.push(requestId);
    await clock.sleep(10 * SECOND);
    throw new Error('told to fail');
  },
});

/** Three requests in one message, which a worker takes as a whole: two of them wait inside it for their place. */
async function open() {
  begun = [];
  const sequent = await createTestSequent({ functions: [one] });
  clock = sequent.clock;
  const stream = createStreamId(clock.now(), new Uint8Array(8));
  const request = { payload: '{}' };
  await sequent.log.accept({ function: parseFunctionName('one'), stream }, [request, request, request]);
  await sequent.advance(SECOND);
  expect(begun).toEqual([idAt(stream, 0)]);
  return { sequent, second: idAt(stream, 1), third: idAt(stream, 2) };
}

describe('what waits in a worker for its place', () => {
  test('runs under the terms of the moment at which it begins', async () => {
    const { sequent, second } = await open();
    await using _ = sequent;
    await sequent.functions.changePolicy('one', 'latest', (policy) => ({ ...policy, maxRetries: 0 }));
    await sequent.advance(25 * SECOND);
    expect(await sequent.timeline(second)).toMatchObject({ status: 'FAIL', attempts: 1 });
  });

  test('does not begin while the function is paused, and ages', async () => {
    const { sequent, second, third } = await open();
    await using _ = sequent;
    await sequent.functions.put({ ...(await sequent.functions.get('one')).definition, paused: true });
    await sequent.advance(40 * SECOND);
    expect(begun.length).toBe(1);
    for (const id of [second, third]) expect(await sequent.timeline(id)).toMatchObject({ status: 'DISCARD', attempts: 0 });
  });

  test('does not begin when it became too old meanwhile', async () => {
    const { sequent, second, third } = await open();
    await using _ = sequent;
    await sequent.functions.changePolicy('one', 'latest', (policy) => ({ ...policy, maxAgeInSeconds: 15 }));
    await sequent.advance(40 * SECOND);
    expect(await sequent.timeline(second)).toMatchObject({ attempts: 1 });
    expect(await sequent.timeline(third)).toMatchObject({ status: 'DISCARD', attempts: 0 });
  });
});
