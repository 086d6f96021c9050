import { describe, expect, vi } from 'vitest';
import { createClientHistory } from '#src/client/history/history.ts';
import type { DeliverySummary, InvocationSummary } from '#src/core/history-questions.ts';
import type { BulkOperationView } from '#src/gateway/api/repair/bulk-operation-schemas.ts';
import { appTest as base } from '#test/support/gateway/app-test.ts';
import { createLaggingHistory, summaries } from '#test/support/projection/lagging-history.ts';

const LAST = 500;
const COUNT = 120;
const failed: Partial<InvocationSummary> = { state: 'notified', status: 'FAIL' };
const deadLetters: DeliverySummary[] = summaries(3).map(({ id }) => {
  const target = { destination: 'http-0', kind: 'HTTP', param: '{}', state: 'dead' };
  return { id, function: 'test1', ...target, tries: 3, dueAt: null, reason: 'answered 410 Gone' };
});

/** A gateway whose read model has not folded what the log accepted last. `acted`: the invocations that it changed. */
const test = base.extend('lagging', ({ opened, ask }) => {
  const acted: string[] = [];
  const act = async (id: string): Promise<string> => `${acted.push(id)}`;
  const repair = { redriveOnce: act, redeliver: act, dismiss: act };
  Object.assign(opened.client, { lastSequence: async () => LAST, cancel: act, repair });
  return {
    acted,
    knows: (part: Partial<InvocationSummary>) => {
      const known = { invocations: summaries(COUNT, part), deadLetters };
      Object.assign(opened.client, { history: createClientHistory(createLaggingHistory({ last: LAST, known })) });
    },
    send: async <Body>(method: string, path: string, body?: unknown): Promise<Body> =>
      (await ask(method, path, body)).json() as Promise<Body>,
  };
});

const filter = { function: 'test1' };

describe('directly after invocations were accepted', () => {
  test('a cancellation by a filter covers all of them', async ({ lagging }) => {
    lagging.knows({});
    const trial = { matched: COUNT, done: [], failed: [] };
    expect(await lagging.send('POST', '/api/cancel', { filter, dry_run: true })).toEqual(trial);
    expect(await lagging.send('POST', '/api/cancel', { filter })).toMatchObject({ matched: COUNT, failed: [] });
    expect(lagging.acted).toHaveLength(COUNT);
  });

  test('a redrive by a filter covers all of them', async ({ lagging }) => {
    lagging.knows(failed);
    expect(await lagging.send('POST', '/api/redrive', { filter })).toMatchObject({ matched: COUNT, failed: [] });
    expect(lagging.acted).toHaveLength(COUNT);
  });

  test('the trial of a redrive counts those that have no outcome', async ({ lagging }) => {
    lagging.knows({});
    const skipped = [{ why: 'have no outcome yet', count: COUNT }];
    expect(await lagging.send('POST', '/api/redrive', { filter, dry_run: true })).toMatchObject({ matched: 0, skipped });
  });

  test('every page of a bulk operation has them, and so has its total', async ({ lagging, opened }) => {
    lagging.knows({});
    const started = await lagging.send<BulkOperationView>('POST', '/api/bulk', { action: 'cancel', filter });
    expect(started.total).toBe(COUNT);
    const ended = async () => expect((await opened.options.bulks.get(started.id))?.operation).toMatchObject({ state: 'done', done: COUNT });
    await vi.waitFor(ended, { interval: 1 });
    expect(lagging.acted).toHaveLength(COUNT);
  });

  test('the count of the vendor list is that of its records, on a page behind the last one too', async ({ lagging }) => {
    lagging.knows({});
    type List = { invocations: unknown[]; count: number };
    const path = '/v2/p1/fgs/functions/test1/async-invocations';
    const list = await lagging.send<List>('GET', path);
    expect([list.invocations.length, list.count]).toEqual([100, COUNT]);
    const beyond = await lagging.send<List>('GET', `${path}?marker=1000`);
    expect([beyond.invocations.length, beyond.count]).toEqual([0, COUNT]);
  });
});

describe('directly after deliveries became dead letters', () => {
  test.for([
    ['redrive', {}],
    ['dismiss', { note: 'a wrong target' }],
  ] as const)('a %s by a filter covers all of them', async ([action, body], { lagging }) => {
    lagging.knows({});
    const reply = await lagging.send('POST', `/api/dead-letters/${action}`, { filter, ...body });
    expect(reply).toMatchObject({ matched: deadLetters.length, failed: [] });
    expect(lagging.acted).toHaveLength(deadLetters.length);
  });
});
