import { describe, expect, test } from 'vitest';
import { createBulkStore } from '#src/core/bulk/bulk-operation.ts';
import { type ErasureRecord, erasureKey } from '#src/core/log/erasure-request.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';

const request: ErasureRecord['request'] = { function: 'shop=orders', before: 0, by: 'ann', at: 5, reason: 'a request', isTrial: false };

async function open() {
  const state = createMemoryKeyValue();
  const bulks = createBulkStore(state, { now: () => 1_000_000 });
  const record = async (id: string, content: ErasureRecord): Promise<void> => {
    await state.put(erasureKey(id), JSON.stringify(content), (await state.get(erasureKey(id)))?.revision ?? 0);
  };
  return { state, bulks, record };
}

describe('a purge as a bulk operation', () => {
  test('shows the progress of its erasure, and cannot be aborted once the log may have it', async () => {
    const { bulks, record } = await open();
    await record('a1', { state: 'asked', request });
    const { operation } = (await bulks.get('a1')) ?? {};
    expect(operation).toMatchObject({
      action: 'purge',
      by: 'ann',
      runner: 'janitor',
      project: 'shop',
      state: 'running',
      step: 'searching',
    });
    expect(operation?.filter).toEqual({ function: 'shop=orders', before: '1970-01-01T00:00:00.000Z' });
    await record('a1', { state: 'asked', request, isDecided: true });
    await expect(bulks.abort('a1', 'ben')).rejects.toThrow('purge a1 is in the log, so it must be finished everywhere');
    await record('a1', { state: 'planned', request, found: { invocations: 3, messages: 9, until: 4 } });
    expect((await bulks.get('a1'))?.operation).toMatchObject({ state: 'running', step: 'erasing', total: 3, done: 0 });
    await record('a1', { state: 'done', request, found: { invocations: 3, messages: 9, until: 4 } });
    expect((await bulks.get('a1'))?.operation).toMatchObject({ state: 'done', total: 3, done: 3 });
    await expect(bulks.abort('a1', 'ben')).rejects.toThrow('is over: done');
  });

  test('is requested with its user and its reason, and is aborted while the janitor searches', async () => {
    const { state, bulks } = await open();
    const { id } = await bulks.purge({ function: 'orders', before: 7, by: 'ann', reason: 'a request' });
    expect(JSON.parse((await state.get(erasureKey(id)))?.value ?? '')).toEqual({
      state: 'asked',
      request: { function: 'orders', before: 7, by: 'ann', reason: 'a request', at: 1_000_000, isTrial: false },
    });
    expect((await bulks.abort(id, 'ben'))?.operation).toMatchObject({ state: 'aborted', abortBy: 'ben' });
    expect((await bulks.get(id))?.operation).toMatchObject({ state: 'aborted', abortBy: 'ben', done: 0 });
    await expect(bulks.abort(id, 'ben')).rejects.toThrow(`purge ${id} is over: aborted`);
    expect(await bulks.abort('unknown', 'ben')).toBeUndefined();
  });

  test('as a trial it has a count and erases nothing, and is forgotten an hour after its end', async () => {
    const { state, bulks, record } = await open();
    const found = { invocations: 3, messages: 9, until: 4 };
    const trial = { ...request, at: 900_000, isTrial: true };
    await record('a1', { state: 'asked', request: trial });
    expect((await bulks.get('a1'))?.operation).toMatchObject({ isTrial: true, state: 'running', step: 'searching', done: 0 });
    await record('a1', { state: 'done', request: trial, found });
    expect((await bulks.get('a1'))?.operation).toMatchObject({ isTrial: true, state: 'done', total: 3, messages: 9, done: 0 });
    await expect(bulks.abort('a1', 'ben')).rejects.toThrow('purge a1 is over: done');
    await record('a2', { state: 'done', request: { ...trial, at: 0 - 3_000_000 }, found });
    await record('a3', { state: 'asked', request: { ...trial, at: 0 - 3_000_000 } });
    await record('a4', { state: 'done', request: { ...request, at: 0 - 3_000_000 }, found });
    const { id } = await bulks.purge({ function: 'orders', before: 7, by: 'ann', isTrial: true });
    const kept = (await state.keys()).filter((key) => key.startsWith(erasureKey('')));
    expect(kept.toSorted()).toEqual(['a1', 'a3', 'a4', id].map(erasureKey).toSorted());
    expect((await bulks.list()).map((one) => one.id)).toEqual(['a4']);
  });

  test('is listed by its time among the others, but a trial is not, and no new operation makes it forgotten', async () => {
    const { state, bulks, record } = await open();
    await record('a1', { state: 'done', request });
    await record('a2', { state: 'done', request: { ...request, isTrial: true } });
    await record('a3', { state: 'done', request: { ...request, at: 2_000_000 } });
    const { id } = await bulks.create({ action: 'redrive', by: 'ann', runner: 'cli' });
    expect((await bulks.list()).map((one) => one.id)).toEqual(['a3', id, 'a1']);
    for (let index = 0; index < 210; index++) {
      const known = await bulks.create({ action: 'cancel', by: 'ann', runner: 'cli' });
      await bulks.save(known, { state: 'done' });
    }
    expect((await state.keys()).filter((key) => key.startsWith(erasureKey('')))).toHaveLength(3);
  });
});
