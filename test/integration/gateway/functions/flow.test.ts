import { describe, expect } from 'vitest';
import type { PoolView } from '#src/gateway/api/functions/flow-schemas.ts';
import { PROJECT, type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startSequent());
let sequent: RunningSequent;
const file = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const handler = { kind: 'process', file, export: 'greet' };
const define = (name: string, flow: object) => sequent.call('PUT', `/api/functions/${name}`, { body: { handler, flow } });

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  expect((await define('greet', { concurrency: 2, key: '$.customer', total: 5 })).status).toBe(200);
});

/** The key that the accepted request names. */
async function flowKeyOf(id: string): Promise<string | undefined> {
  const answer = await sequent.call('GET', `/api/invocations/${id}?include=events`);
  const { events = [] } = (await answer.json()) as { events?: { fact: { type: string; flowKey?: string } }[] };
  return events.find(({ fact }) => fact.type === 'queued')?.fact.flowKey;
}

const invoke = async (path: string, headers: Record<string, string>): Promise<string> => {
  const answer = await sequent.call('POST', path, { body: { customer: 'other' }, headers });
  expect(answer.status).toBe(202);
  return ((await answer.json()) as { request_id: string }).request_id;
};

describe('the key of a request', () => {
  test.for([
    ['the header', '/api/functions/greet/invocations', { 'flow-key': 'customer-7' }, 'customer-7'],
    ['the query, in place of the header', '/api/functions/greet/invocations?flow_key=b', { 'flow-key': 'customer-7' }, 'b'],
    ['the header with an idempotency key', '/api/functions/greet/invocations', { 'flow-key': 'c', 'idempotency-key': 'flow-1' }, 'c'],
    ["the header of the vendor's route", `/v2/${PROJECT}/fgs/functions/greet/invocations-async`, { 'flow-key': 'd' }, 'd'],
    ['UTF-8 in the header', '/api/functions/greet/invocations', { 'flow-key': Buffer.from('客户', 'utf8').toString('latin1') }, '客户'],
  ] as [string, string, Record<string, string>, string][])('is taken from %s', async ([, path, headers, wanted]) => {
    expect(await flowKeyOf(await invoke(path, headers))).toBe(wanted);
  });

  test('of a batch is that of each of its lines', async () => {
    const answer = await sequent.call('POST', '/api/functions/greet/batches?ids', { body: { a: 1 }, headers: { 'flow-key': 'e' } });
    const id = /"request_id":"([^"]+)"/.exec(await answer.text())?.[1] ?? '';
    expect(await flowKeyOf(id)).toBe('e');
  });

  test('is refused when it cannot be a key', async () => {
    const answer = await sequent.call('POST', `/api/functions/greet/invocations?flow_key=${'x'.repeat(129)}`, { body: {} });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('must have 1 to 128 characters')]);
  });
});

describe('the priority of a request', () => {
  async function priorityOf(id: string): Promise<number | undefined> {
    const answer = await sequent.call('GET', `/api/invocations/${id}`);
    return ((await answer.json()) as { priority?: number }).priority;
  }

  test.for([
    ['the header', '/api/functions/greet/invocations', { priority: '7' }, 7],
    ['the query, in place of the header', '/api/functions/greet/invocations?priority=0', { priority: '7' }, 0],
    ['the header with an idempotency key', '/api/functions/greet/invocations', { priority: '9', 'idempotency-key': 'urgent-1' }, 9],
    ["the header of the vendor's route", `/v2/${PROJECT}/fgs/functions/greet/invocations-async`, { priority: '1' }, 1],
    ['no header of HTTP itself, which browsers send', '/api/functions/greet/invocations', { priority: 'u=1, i' }, undefined],
  ] as [string, string, Record<string, string>, number | undefined][])('is taken from %s', async ([, path, headers, wanted]) => {
    expect(await priorityOf(await invoke(path, headers))).toBe(wanted);
  });

  test.for(['10', '-1', 'high', '1.5'])('is refused as %s', async (priority) => {
    const answer = await sequent.call('POST', '/api/functions/greet/invocations', { body: {}, headers: { priority } });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('must be a whole number from 0 to 9')]);
  });

  test('stays that of the request when it is redriven, and so does its key', async () => {
    const id = await invoke('/api/functions/greet/invocations', { priority: '8', 'flow-key': 'again' });
    const redrive = () => sequent.call('POST', `/api/invocations/${id}/redrive`);
    await expect.poll(async () => (await redrive()).status, { timeout: 60_000 }).toBeLessThan(300);
    const answer = await sequent.call('GET', `/api/invocations/${id}`);
    const { redriven_as: [again = ''] = [] } = (await answer.json()) as { redriven_as?: string[] };
    expect([await priorityOf(again), await flowKeyOf(again)]).toEqual([8, 'again']);
  });
});

describe('the flow of functions over HTTP', () => {
  const pools = async (query = ''): Promise<PoolView[]> => {
    const answer = await sequent.call('GET', `/api/flow${query}`);
    expect(answer.status).toBe(200);
    return ((await answer.json()) as { pools: PoolView[] }).pools;
  };

  test('shows the pool of a function, and the pool that functions share', async () => {
    for (const name of ['invoice', 'stock']) expect((await define(name, { concurrency: 3, pool: 'erp' })).status).toBe(200);
    expect(await pools('?name=greet')).toMatchObject([
      { pool: 'greet', is_shared: false, functions: [{ function: 'greet', concurrency: 2, key: '$.customer', total: 5 }] },
    ]);
    expect(await pools('?name=erp')).toMatchObject([
      { pool: 'erp', is_shared: true, functions: [{ function: 'invoice' }, { function: 'stock', concurrency: 3 }] },
    ]);
    expect((await pools()).map(({ pool }) => pool)).toEqual(['greet', 'erp']);
  });

  test('refuses a flow without a limit, with the field', async () => {
    const answer = await define('wrong', { key: '$.customer' });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('/flow/concurrency')]);
  });

  test('the metrics name the pools, and no keys', async () => {
    const text = await (await sequent.call('GET', '/metrics')).text();
    expect(text).toMatch(/sequent_flow_running\{pool="greet",function="greet"\} \d/);
    expect(text).toMatch(/sequent_flow_waiting\{pool="erp",function="stock"\} \d/);
  });
});
