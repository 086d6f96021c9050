import { headers } from 'nats';
import type { Fact } from '#machines/facts.ts';
import {
  type DeliveringSystem,
  receiverConnection,
  startDeliveringSystem,
  toFunction,
  toHttp,
} from '#test/support/destinations/delivering-system.ts';
import { answer, openReceiver } from '#test/support/destinations/receiver.ts';
import { chainOf } from '#test/support/log/chain-of.ts';

const file = new URL('./recorded-functions.mjs', import.meta.url).pathname;
const SETTINGS = { SEQUENT_LEASE_MS: '1000', SEQUENT_PATIENCE_MS: '500' };
const POSTPONED = 40;

/**
 * Runs invocations of every kind on a new Sequent, and writes their histories to the folder. Together they hold every type of fact.
 * Returns the files.
 */
export async function recordHistories(folder: string): Promise<string[]> {
  let isRepaired = false;
  const gone = answer(410);
  const down = answer(503);
  await using receiver = await openReceiver((response, received, request) =>
    (isRepaired ? answer(200) : received.path === '/gone' ? gone : down)(response, received, request),
  );
  const connections = { receiver: receiverConnection(receiver) };
  await using sequent = await startDeliveringSystem(connections, SETTINGS, 'worker,scheduler,destinations,projection');
  const { client, log } = sequent;
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await sequent.run(args);
    if (code !== 0) throw new Error(`sequent ${args.join(' ')} ended with ${code}:\n${stderr}`);
    return stdout;
  };
  await putFunctions(sequent, receiver.url);

  const requests = [
    ['greet', 'success', {}],
    ['retried', 'success-after-retries', { failures: 2 }],
    ['retried', 'retries-exhausted', { failures: 9 }],
    ['notifying', 'destinations', {}],
    ['picky', 'not-sent', {}],
    ['refused', 'dead-delivery', {}],
    ['refused', 'dismissed-delivery', {}],
    ['aging', 'too-old', {}],
    ['waiting', 'cancelled', {}],
  ] as const;
  for (const [name, id, event] of requests) await client.invoke(name, event, { id });
  await run('cancel', 'cancelled');
  const batch = await client.invokeMany('greet', [{}, { failures: 1 }, {}]);
  await client.batches.open({ function: 'greet', id: 'batch', onComplete: [toFunction('picky')] });
  await client.invoke('greet', {}, { id: 'member', batch: 'batch' });
  await client.batches.seal({ function: 'greet', id: 'batch' });
  await client.invokeMany('gathering', [{}, {}]);
  await client.invoke('metered', {}, { id: 'metered-first' });
  await log.until(({ type, invocation }) => type === 'running' && invocation === 'metered-first');
  await client.invoke('metered', {}, { id: 'waited-for-rate' });
  await client.invoke('urgent', { ms: 1_000 }, { id: 'urgent-first' });
  await log.until(({ type, invocation }) => type === 'running' && invocation === 'urgent-first');
  await client.invoke('urgent', {}, { id: 'waited-by-priority', priority: 9 });
  const closed = await log.until(({ type }) => type === 'debounce.closed');
  const joined = await log.until(({ type }) => type === 'debounce.joined');
  const sealed = await log.until(({ type }) => type === 'batch.sealed');
  publish(sequent, 'nobody', 'unknown-function', '{}');
  publish(sequent, 'greet', 'no-json', '{');
  for (let i = 0; i < POSTPONED; i++) publish(sequent, 'unreachable', `postponed-${i}`, '{');
  const failing = await log.until(({ type }) => type === 'delivery.failed');
  const postponed = await log.until(({ type }) => type === 'delivery.postponed');
  await log.until(({ type, invocation }) => type === 'delivery.dead' && invocation === 'dead-delivery');
  await log.until(({ type, invocation }) => type === 'delivery.dead' && invocation === 'dismissed-delivery');
  await run('dest', 'dead', 'dismiss', 'dismissed-delivery', '--note', 'nobody needs it');
  isRepaired = true;
  await run('dest', 'dead', 'redrive', 'dead-delivery', '--yes');
  await log.untilNotified(['retries-exhausted']);
  await run('redrive', 'retries-exhausted', '--yes');

  await client.invoke('greet', { ms: 3_000 }, { id: 'worker-lost' });
  await log.until(({ type, invocation }) => type === 'running' && invocation === 'worker-lost');
  await sequent.process.signal('SIGKILL');
  await sequent.restart(connections);

  const ids = requests.map(([, id]) => id);
  const recorded = [
    ...ids,
    'waited-for-rate',
    'waited-by-priority',
    'unknown-function',
    'no-json',
    'worker-lost',
    failing.invocation,
    postponed.invocation,
  ];
  recorded.push(...batch.slice(0, 1).map(({ requestId }) => requestId), 'member', sealed.invocation, closed.invocation, joined.invocation);
  await log.untilNotified(recorded);
  recorded.push(...followUpsOf(sequent, ids));
  await log.untilNotified(recorded);
  return (await run('golden', 'record', ...recorded, '--to', folder, '-o', 'name')).trim().split('\n');
}

async function putFunctions({ client: { functions } }: DeliveringSystem, url: string): Promise<void> {
  const handler = { kind: 'process' as const, file };
  const backoff = { initialInMs: 10, factor: 1, maxInMs: 10, jitter: 0 };
  const put = (name: string, facts: object = {}) => functions.put({ name, handler, ...facts });
  await put('greet');
  await put('retried', { policy: { maxRetries: 2, backoff } });
  await put('notifying', { policy: { onSuccess: [toFunction('greet')] } });
  await put('picky', { policy: { onSuccess: [{ ...toFunction('greet'), when: { of: 'attempts', greater: 1 } }] } });
  await put('refused', { policy: { onSuccess: [toHttp(`${url}/gone`)] } });
  await put('unreachable', { policy: { onFailure: [toHttp(`${url}/down`)] } });
  await put('aging', { paused: true, policy: { maxAgeInSeconds: 1 } });
  await put('waiting', { paused: true });
  await put('metered', { flow: { key: '$.key', rate: { limit: 1, per: '1s' } } });
  await put('urgent', { flow: { concurrency: 1, order: 'priority' } });
  await put('gathering', { flow: { debounce: { wait: '1s', keep: 'all' } } });
}

/** A request that no client of Sequent would send. */
function publish({ log }: DeliveringSystem, name: string, id: string, payload: string): void {
  const named = headers();
  named.set('Request-Id', id);
  log.connection.nats.publish(`invoke.${name}`, payload, { headers: named });
}

/** The invocations that follow from these: by a destination, or as a redrive. */
function followUpsOf({ log }: DeliveringSystem, ids: readonly string[]): string[] {
  const redrives = [...log.facts.values()].flat().filter((fact: Fact) => fact.type === 'redriven' && ids.includes(fact.invocation));
  const children = ids.flatMap((id) => chainOf(log, id)).filter(({ lineage }) => lineage !== undefined);
  return [...children.map(({ invocation }) => invocation), ...redrives.flatMap((fact) => ('redrive' in fact ? [fact.redrive] : []))];
}
