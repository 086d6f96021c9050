import { beforeEach, describe, expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { type FunctionRecord, openRecords, type Records } from '#src/gateway/records.ts';
import { overtakeNextRead } from '#test/support/overtake-next-read.ts';

const record: FunctionRecord = {
  package: 'default',
  runtime: 'Node.js20.15',
  handler: 'index.handler',
  memory_size: 128,
  code_type: 'inline',
  code_filename: 'index.js',
  code_size: 1,
  digest: 'd',
  max_instance_num: 400,
  last_modified: '2026-11-24T12:00:00Z',
};
const asyncRecord = { created_time: 'then', last_modified: 'then', enable_async_status_log: true };

let store: KeyValue;
let records: Records;
/** The records of another gateway. */
let others: Records;
beforeEach(async () => {
  store = createMemoryKeyValue();
  const { signal } = new AbortController();
  records = await openRecords(store, signal);
  others = await openRecords(store, signal);
  await records.changeFunction('orders', () => record);
});

/** The fields that another gateway would read after a restart. */
const stored = async () => (await openRecords(store, new AbortController().signal)).function('orders');
const change = (of: Records, fields: Partial<FunctionRecord>) =>
  of.changeFunction('orders', (present = record) => ({ ...present, ...fields }));

describe('the record of a function', () => {
  test('keeps both changes that two gateways make at the same time', async () => {
    overtakeNextRead(store, 'function.orders', () => change(others, { max_instance_num: 0 }));
    await change(records, { memory_size: 256 });
    for (const found of [records.function('orders'), await stored()])
      expect(found).toMatchObject({ memory_size: 256, max_instance_num: 0 });
  });

  test('is created once by two changes of a function without a record', async () => {
    await (await records.deletionOf('orders'))();
    overtakeNextRead(store, 'function.orders', () => change(others, { max_instance_num: 0 }));
    await change(records, { memory_size: 256 });
    expect(await stored()).toMatchObject({ memory_size: 256, max_instance_num: 0 });
  });

  test('is deleted with the records of its versions and aliases, and with no record of a function like it', async () => {
    await records.putFunction('orders', record, 'v1');
    await records.putFunction('orders2', record);
    for (const qualifier of ['latest', 'v1', '!prod']) await records.putAsyncConfig('orders', qualifier, asyncRecord);
    await (await records.deletionOf('orders', 'v1'))();
    expect(await store.keys()).toEqual(['async.orders', 'async.orders/alias=prod', 'function.orders', 'function.orders2']);
    await (await records.deletionOf('orders'))();
    expect(await store.keys()).toEqual(['function.orders2']);
    expect(records.function('orders')).toBeUndefined();
  });

  test('of a function that was created again meanwhile outlives the deletion of the former function', async () => {
    await records.putAsyncConfig('orders', 'latest', asyncRecord);
    const deleteRecords = await records.deletionOf('orders');
    await (await others.deletionOf('orders'))();
    await others.putFunction('orders', { ...record, digest: 'new' });
    await others.putAsyncConfig('orders', 'latest', { ...asyncRecord, created_time: 'now' });
    await deleteRecords();
    for (const found of [records.function('orders'), await stored()]) expect(found?.digest).toBe('new');
    expect(records.asyncConfig('orders', 'latest')?.created_time).toBe('now');
  });

  test('that another gateway wrote a moment ago is deleted too', async () => {
    const late: KeyValue = { ...store, watch: (onChange, signal) => store.watch((one) => void setImmediate(() => onChange(one)), signal) };
    const lagging = await openRecords(late, new AbortController().signal);
    await change(others, { digest: 'new' });
    await (await lagging.deletionOf('orders'))();
    expect([await stored(), lagging.function('orders')]).toEqual([undefined, undefined]);
  });
});
