import { describe, expect, test } from 'vitest';
import { explain } from '#src/analysis/explain/explain.ts';
import { defineFunction } from '#src/client/worker/define-function.ts';
import { SYNCHRONOUS_AGE_IN_MS } from '#src/core/functions/definition.ts';
import { createTestSequent } from '#src/testing/testing.ts';

const received: unknown[] = [];
const told = defineFunction({ name: 'told', handler: (event) => void received.push(event) });
const toTold = [{ destination: 'FunctionGraph' as const, param: { func_urn: 'told' } }];
const orders = defineFunction({
  name: 'orders',
  policy: { maxRetries: 3, onSuccess: toTold, onFailure: toTold },
  handler: (event: { throws?: boolean }) => {
    if (event.throws) throw new Error('no stock');
    return 'done';
  },
});

async function open() {
  received.length = 0;
  return await createTestSequent({ functions: [orders, told] });
}

describe('a synchronous invocation (SYNC1)', () => {
  test('that fails is not retried, and reaches no destination', async () => {
    await using sequent = await open();
    const invoked = await sequent.invoke(orders, { throws: true }, { synchronous: true });
    expect(await invoked.result()).toMatchObject({ outcome: 'failed' });
    await sequent.runUntilIdle();
    const timeline = await sequent.timeline(invoked.requestId);
    expect(timeline).toMatchObject({ state: 'notified', attempts: 1 });
    expect(timeline.transitions.map(({ fact }) => fact.type)).toEqual(['queued', 'running', 'failed', 'notified']);
    expect(received).toEqual([]);
    const sentences = JSON.stringify(explain(timeline, sequent.clock.now()));
    expect(sentences).toContain('a synchronous call has one attempt (SYNC1)');
  });

  test('that succeeds reaches no destination, while an asynchronous one does', async () => {
    await using sequent = await open();
    for (const [options, count] of [
      [{ synchronous: true }, 0],
      [{}, 1],
    ] as const) {
      await (await sequent.invoke(orders, {}, options)).result();
      await sequent.runUntilIdle();
      expect(received).toHaveLength(count);
    }
  });

  test('is marked in the log as such', async () => {
    await using sequent = await open();
    const { requestId } = await sequent.invoke(orders, {}, { synchronous: true });
    await sequent.runUntilIdle();
    const [accepted, started] = (await sequent.timeline(requestId)).transitions;
    expect(accepted?.fact).toMatchObject({ type: 'queued', synchronous: true });
    expect(started?.fact).toMatchObject({ type: 'running', terms: { synchronous: true, maxRetries: 0 } });
  });

  test('is not run when its caller waits no longer, as after a pause of the function', async () => {
    await using sequent = await open();
    const { definition } = await sequent.functions.get('orders');
    await sequent.functions.put({ ...definition, paused: true });
    const { requestId } = await sequent.invoke(orders, {}, { synchronous: true });
    await sequent.advance(SYNCHRONOUS_AGE_IN_MS + 1_000);
    await sequent.functions.put(definition);
    await sequent.runUntilIdle();
    expect((await sequent.timeline(requestId)).envelope?.request_context.condition).toBe('EventAgeExceeded');
  });
});
