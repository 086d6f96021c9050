import { changeQuota } from '#src/core/quotas/change-quota.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { FUNCTIONS_BUCKET } from '#src/nats/wire/topology.ts';
import { type DoctorWorld, type Situation, untilOf } from './world.ts';

/** The end of an archive without files. */
const EMPTY_ZIP = Buffer.concat([Buffer.from([0x50, 0x4b, 5, 6]), Buffer.alloc(18)]);
const LATER = { laterInMs: 120_000 };

/** Invokes the function with a keyed event that ends with the undo. */
async function invoke({ client, folder }: DoctorWorld, name: string, times: number, options = {}): Promise<void> {
  for (let i = 0; i < times; i++) await client.invoke(name, { key: 'a', until: untilOf(folder, name) }, options);
}

/** A function with this flow, and several requests of one key. */
const withFlow =
  (handler: 'ok' | 'slow', flow: NonNullable<Parameters<DoctorWorld['put']>[1]>['flow'], times = 3): Situation['plant'] =>
  async (world) => {
    const fn = await world.put(handler, flow === undefined ? {} : { flow });
    await invoke(world, fn.name, times);
    return fn;
  };

/** All requests but the running ones wait in the log, and none in the queue. */
async function emptyQueue({ client }: DoctorWorld, name: string): Promise<void> {
  const isEmpty = ({ pending, unacknowledged }: { pending: number; unacknowledged: number }) => pending + unacknowledged === 0;
  const deadline = performance.now() + 20_000;
  while (!(await client.system()).consumers.some((one) => one.name === `fn-${name}` && isEmpty(one)))
    if (performance.now() > deadline) throw new Error(`requests of ${name} are in its queue after 20 s`);
}

const waits: Situation[] = [
  { title: 'nothing is planted', plant: async () => ({ undo: async () => {} }), truth: [], exit: 0 },
  {
    title: 'a function is paused, and requests wait',
    plant: async (world) => {
      const fn = await world.put('ok', { paused: true });
      await invoke(world, fn.name, 2);
      return fn;
    },
    truth: [['note', 'function NAME', /^2 waiting, 0 in flight: NAME is paused and starts no attempt$/]],
    exit: 0,
  },
  {
    title: 'all slots of the worker are busy',
    plant: async (world) => {
      const fn = await world.put('slow', { concurrency: 1 });
      await invoke(world, fn.name, 4);
      return fn;
    },
    truth: [['note', 'worker for NAME', /all slots of its workers are taken: they hold [1-4] requests?, and each worker runs at most 1/]],
    exit: 0,
  },
  {
    title: 'the slots over all workers are taken',
    plant: withFlow('slow', { concurrency: 1 }),
    truth: [['note', 'worker for NAME', /: 1 of 1 run over all workers$/]],
    exit: 0,
  },
  {
    title: 'the rate over all workers is used',
    plant: async (world) => {
      const fn = await withFlow('ok', { rate: { limit: 1, per: '1h' } })(world);
      await emptyQueue(world, fn.name ?? '');
      return fn;
    },
    truth: [['note', 'worker for NAME', /^2 waiting, 0 in flight: 1 start in 1 h over all workers, the next one at /]],
    exit: 0,
  },
  {
    title: 'a key waits for its rate for minutes',
    plant: withFlow('ok', { rate: { limit: 1, per: '1h' }, key: '$.key' }),
    truth: [],
    exit: 0,
    ...LATER,
  },
  { title: 'a key has its slot for minutes', plant: withFlow('slow', { concurrency: 1, key: '$.key' }), truth: [], exit: 0, ...LATER },
  {
    title: 'a request waits for its debounce for minutes',
    plant: withFlow('ok', { key: '$.key', debounce: { wait: '1h', keep: 'last' } }, 1),
    truth: [],
    exit: 0,
    ...LATER,
  },
  {
    title: 'a request is due tomorrow',
    plant: async (world) => {
      const fn = await world.put('ok');
      await invoke(world, fn.name, 2, { delay: '1d' });
      return fn;
    },
    truth: [],
    exit: 0,
    ...LATER,
  },
  {
    title: 'a retry is due in an hour',
    plant: async (world) => {
      const backoff = { initialInMs: 3_600_000, maxInMs: 3_600_000, jitter: 0 };
      const fn = await world.put('fails', { policy: { maxRetries: 1, maxAgeInSeconds: 86_400, backoff } });
      await invoke(world, fn.name, 1);
      return fn;
    },
    truth: [],
    exit: 0,
  },
];

const functions: Situation[] = [
  {
    title: 'no responder answers on the subject of a function',
    plant: async (world) => {
      const fn = await world.put('ok', { handler: { kind: 'subject', subject: 'svc.nobody' } });
      await invoke(world, fn.name, 1);
      return fn;
    },
    truth: [['problem', 'function NAME', /^the platform cannot run 1 invocation: up to \d+ failures of one since .*no process answers/]],
    exit: 1,
  },
  {
    title: 'no worker of the users own process runs, and no request waits for one',
    plant: async (world) => await world.put('ok', { handler: { kind: 'inline' } }),
    // A function without work has no consumer, which alone says whether a worker pulls (CONS1).
    truth: [],
    exit: 0,
  },
  {
    title: 'requests wait for a worker of the users own process',
    plant: async (world) => {
      const fn = await world.put('ok', { handler: { kind: 'inline' } });
      await world.client.invoke(fn.name, {});
      return fn;
    },
    truth: [['problem', 'worker for NAME', /: no running worker executes NAME$/]],
    exit: 1,
  },
  {
    title: 'the file of a function is on another machine',
    plant: async (world) => await world.put('ok', { handler: { kind: 'process', file: '/nowhere/code.mjs' } }),
    truth: [['note', 'function NAME', /^\/nowhere\/code\.mjs is not on this machine$/]],
    exit: 0,
  },
  {
    title: 'the code of a function came from the page or the API',
    plant: async (world) => {
      const digest = await world.client.packages.put(EMPTY_ZIP);
      return await world.put('ok', { handler: { kind: 'process', package: digest, file: 'index.js' } });
    },
    truth: [],
    exit: 0,
  },
  {
    title: 'a delivery is dead',
    plant: async (world) => {
      const onSuccess = [{ destination: 'HTTP' as const, param: { url: 'https://nobody.invalid/' } }];
      const fn = await world.put('ok', { policy: { maxRetries: 0, onSuccess } });
      const { requestId } = await world.client.invoke(fn.name, {});
      await world.client.result(requestId);
      // The delivery is open from the outcome on, until a person or the target ends it.
      return { name: fn.name, undo: async () => [await world.client.repair.dismiss(requestId, { note: 'tested' }), await fn.undo()] };
    },
    truth: [['note', 'dead letters', /^1 delivery is dead, and is not tried again$/]],
    exit: 0,
  },
  {
    title: 'a canary fails much more often than its main version',
    plant: async (world) => {
      const { client } = world;
      const { name, undo } = await world.put('ok');
      const { version: main } = await client.functions.publish(name, { version: 'good' });
      const { definition } = await client.functions.get(name);
      await client.functions.put({ ...definition, handler: { ...definition.handler, export: 'fails' } as typeof definition.handler });
      const { version: canary } = await client.functions.publish(name, { version: 'bad' });
      await client.functions.putAlias(name, { name: 'live', version: main, weights: { [canary]: 50 } });
      await client.invokeMany(
        name,
        Array.from({ length: 400 }, () => ({})),
        { qualifier: '!live' },
      );
      // A change of the alias that keeps the weights begins no new count.
      await client.functions.putAlias(name, { name: 'live', version: main, weights: { [canary]: 50 }, description: 'watched' });
      return { name, undo };
    },
    truth: [['problem', 'canary of NAME:!live', /is significantly worse than .* failed/]],
    exit: 1,
  },
  {
    title: 'an automatic canary is undecided after its invocations',
    plant: async (world) => {
      const { client } = world;
      const { name, undo } = await world.put('ok');
      const { version: main } = await client.functions.publish(name, { version: 'one' });
      const { definition } = await client.functions.get(name);
      await client.functions.put({ ...definition, timeoutInMs: 9_000 });
      const { version: canary } = await client.functions.publish(name, { version: 'two' });
      await client.functions.putAlias(name, { name: 'live', version: main, weights: { [canary]: 50 }, auto: { promoteAfter: 20 } });
      await client.invokeMany(
        name,
        Array.from({ length: 100 }, () => ({})),
        { qualifier: '!live' },
      );
      return { name, undo };
    },
    truth: [['note', 'canary of NAME:!live', /^two stays after \d+ ended invocations: .* About \d+ more of its invocations/]],
    exit: 0,
  },
  {
    title: 'the function of a destination does not exist',
    plant: async (world) => {
      const onFailure = [{ destination: 'FunctionGraph' as const, param: { func_urn: 'pager' } }];
      return await world.put('ok', { policy: { maxRetries: 0, onFailure } });
    },
    truth: [['problem', 'function NAME', /^NAME notifies pager on failure, and pager does not exist: those deliveries end dead$/]],
    exit: 1,
  },
  {
    title: 'a schedule has no function',
    plant: async (world) => {
      const { name, undo } = await world.put('ok');
      await world.client.schedules.put({ name: 'nightly', function: name, cron: '0 3 * * *' });
      await undo();
      return { name, undo: () => world.client.schedules.delete('nightly') };
    },
    truth: [['problem', 'schedule nightly', /^there is no function NAME: its invocations fail$/]],
    exit: 1,
  },
  {
    title: 'the alias of a schedule does not exist',
    plant: async (world) => {
      const { client } = world;
      const { name, undo } = await world.put('ok');
      const { version } = await client.functions.publish(name);
      await client.functions.putAlias(name, { name: 'live', version });
      await client.schedules.put({ name: 'nightly', function: name, qualifier: '!live', cron: '0 3 * * *' });
      await client.functions.deleteAlias(name, 'live');
      return { name, undo: async () => [await client.schedules.delete('nightly'), await undo()] };
    },
    truth: [['problem', 'schedule nightly', /^there is no function NAME:!live: its invocations fail$/]],
    exit: 1,
  },
  {
    title: 'the function of a schedule is paused',
    plant: async (world) => {
      const { name, undo } = await world.put('ok', { paused: true });
      await world.client.schedules.put({ name: 'nightly', function: name, cron: '0 3 * * *' });
      return { name, undo: async () => [await world.client.schedules.delete('nightly'), await undo()] };
    },
    truth: [
      ['note', 'function NAME', /^NAME is paused and starts no attempt$/],
      ['note', 'schedule nightly', /^its function NAME is paused: its invocations wait$/],
    ],
    exit: 0,
  },
  {
    title: 'a project has as many open invocations as its quota',
    plant: async (world) => {
      const store = await openKeyValue(world.client.connection, FUNCTIONS_BUCKET);
      const fn = await world.put('ok');
      await invoke(world, fn.name, 1, { delay: '1d' });
      await changeQuota(store, undefined, () => ({ open: 1 }));
      return { name: fn.name, undo: async () => [await changeQuota(store, undefined, () => ({})), await fn.undo()] };
    },
    truth: [['problem', 'quota of the own project', /^1 invocations are open; the quota is 1/]],
    exit: 1,
  },
];

export const functionSituations: readonly Situation[] = [...waits, ...functions];
