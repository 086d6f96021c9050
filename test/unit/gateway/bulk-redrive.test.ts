import { describe, expect } from 'vitest';
import type { InvocationSummary } from '#src/core/history-questions.ts';
import type { GatewayClient } from '#src/gateway/ports.ts';
import { appTest as test } from '#test/support/gateway/app-test.ts';

const found = ['order-1', 'order-2'].map((id) => ({ id, function: 'test1' }) as InvocationSummary);

describe('a bulk redrive', () => {
  test('leaves out an invocation that another request redrives at the same time', async ({ opened, ask }) => {
    Object.assign(opened.client, {
      history: { list: async () => ({ invocations: found, cursor: null }) } as unknown as GatewayClient['history'],
      repair: {
        redriveOnce: async (id: string) => (id === 'order-1' ? undefined : `${id}-again`),
      } as Partial<GatewayClient['repair']>,
    });
    const reply = await ask('POST', '/api/redrive', { filter: { function: 'test1' } });
    expect(await reply.json()).toEqual({ matched: 1, done: [{ request_id: 'order-2', redriven_as: 'order-2-again' }], failed: [] });
  });

  test('seals its new batch when a user aborts it after its gateway ended', async ({ opened, ask }) => {
    const { bulks, clock } = opened.options;
    const sealed: object[] = [];
    Object.assign(opened.client.batches, { seal: async (batch: object) => sealed.push(batch) > 0 });
    const filter = { batch: 'batch-1', function: 'test1' };
    const opening = { batch: 'batch-2', batchRequest: 7 };
    const { id } = await bulks.create({ action: 'redrive', by: 'ann', runner: 'gateway', filter, ...opening });
    opened.at(clock.now() + 61_000);
    expect(await (await ask('POST', `/api/bulk/${id}/abort`)).json()).toMatchObject({ state: 'aborted', batch: 'batch-2' });
    expect(sealed).toEqual([{ function: 'test1', id: 'batch-2', request: 7 }]);
  });
});
