import type { StoredCode } from '#src/gateway/api/code/code-schemas.ts';
import { answer, openReceiver } from '#test/support/destinations/receiver.ts';
import { functionDestination, startWebSequent, type WebSequent } from './web-sequent.ts';

/** A system that has something to show on every page. Its user data are Chinese, so that English words on a page are those of the page. */
export interface Furnished extends WebSequent {
  /** The request id of an invocation in each situation. */
  readonly ids: Readonly<Record<'dead' | 'failed' | 'retrying' | 'running' | 'paused', string>>;
}

const codeOf = (result: string): string => `import { amount } from './lib/amount.mjs';

/** 扣款 */
export const handler = async (event) => {
  console.log('正在扣款', amount(event));
  if (event.throws) throw new RangeError(event.throws);
  return { ${result}: 42 };
};
`;
const filesOf = (result: string) => [
  { path: 'index.mjs', text: codeOf(result) },
  { path: 'lib/amount.mjs', text: 'export const amount = (event) => event.order ?? 0;\n' },
];

/** Starts the system: functions with code, versions and a canary, invocations in every situation, a schedule, a batch and a quota. */
export async function openFurnished(): Promise<Furnished> {
  const receiver = await openReceiver(answer(410, {}, '不再接收'));
  const connections = { http: { kind: 'http', allowPrivate: true, allowHttp: true, ports: [receiver.port] } };
  const sequent = await startWebSequent({ connections });
  await defineOrders(sequent, `${receiver.url}/orders`);
  const slow = { initialInMs: 600_000, factor: 1, maxInMs: 600_000, jitter: 0 };
  await sequent.define('patient', { policy: { maxRetries: 1, backoff: slow } });
  await sequent.define('held', { timeoutInMs: 600_000 });
  await sequent.define('halted');
  await sequent.call('/api/functions/halted/pause', { method: 'POST' });
  await sequent.call('/api/schedules/yearly', {
    method: 'PUT',
    body: { cron: '0 3 1 1 *', time_zone: 'Asia/Shanghai', function: 'invoices', event: { 年: 1 }, description: '年度报表' },
  });
  await sequent.run(['project', 'quota', 'default', '--open', '1000', '--rate', '500']);
  const ids = await invokeAll(sequent);
  return {
    ...sequent,
    ids,
    async [Symbol.asyncDispose]() {
      await sequent[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

/** The function `orders` with two versions, an alias that sends half of its requests to the second, and destinations. */
async function defineOrders(sequent: WebSequent, url: string): Promise<void> {
  const path = '/api/functions/orders';
  const post = (to: string, body: unknown) => sequent.call(path + to, { method: 'POST', body });
  await sequent.define('invoices', { description: '开具发票' });
  await sequent.define('alerts', { description: '通知值班人员' });
  await sequent.define('orders');
  for (const version of ['v1', 'v2']) {
    const { handler } = await sequent.call<StoredCode>(`${path}/packages`, { method: 'POST', body: { files: filesOf(version) } });
    const policy = {
      maxRetries: 0,
      onSuccess: [functionDestination('invoices'), { destination: 'HTTP', param: { url } }],
      onFailure: [functionDestination('alerts')],
    };
    const flow = { concurrency: 2, key: '$.customer', total: 50 };
    const data = { userData: { CITY: '上海' }, secretUserData: { PIN: '1234' } };
    const body = { handler, description: '为订单扣款', policy, flow, ...data };
    await sequent.call(path, { method: 'PUT', body, headers: { 'if-match': '*' } });
    await post('/versions', { version, description: `版本 ${version}` });
  }
  await sequent.call(`${path}/aliases/prod`, { method: 'PUT', body: { version: 'v1', weights: { v2: 50 } } });
  await sequent.call(`${path}/test-events/first`, { method: 'PUT', body: { order: 1 } });
}

async function invokeAll(sequent: WebSequent): Promise<Furnished['ids']> {
  const dead = await sequent.invoke('orders', { customer: '甲', order: 1 });
  const failed = await sequent.invoke('orders', { customer: '乙', throws: '余额不足' });
  const retrying = await sequent.invoke('patient', { throws: '还没有' });
  const running = await sequent.invoke('held', { gate: 'never' });
  const paused = await sequent.invoke('halted');
  for (const order of [1, 2, 3])
    await sequent.call('/api/functions/orders/invocations?qualifier=!prod', { method: 'POST', body: { customer: '丙', order } });
  const batch = `/api/functions/invoices/batches?${new URLSearchParams({ key: 'import', on_complete: JSON.stringify([functionDestination('alerts')]) })}`;
  await fetch(sequent.url + batch, { method: 'POST', body: '{}\n{"throws":"格式错误"}\n' });
  await sequent.invocation(dead, ({ deliveries }) => deliveries.some(({ state }) => state === 'dead'));
  await sequent.invocation(failed);
  await sequent.invocation(retrying, ({ state }) => state === 'retrying');
  await sequent.invocation(running, ({ state }) => state === 'running');
  await sequent.call('/api/bulk', { method: 'POST', body: { action: 'redrive', filter: { function: 'orders', status: ['FAIL'] } } });
  return { dead, failed, retrying, running, paused };
}
