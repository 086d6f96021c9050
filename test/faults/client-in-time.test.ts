import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CallsInTime } from '#src/client/calls-in-time.ts';
import { connectClient, type Invoked, type SequentClient } from '#src/client/client.ts';
import { SequentError } from '#src/core/errors.ts';
import { PROJECT, type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';

/** The promise. The rest is for a busy machine. */
const SETTLES_WITHIN_MS = 10_000;
const MACHINE_MS = 2_000;
const ID = 'order-1';

type Call = (client: SequentClient) => Promise<unknown>;

const handled = { handler: { kind: 'subject', subject: 'fn.mine' } };

/** A call of every method that returns a promise, by its name. */
const calls: Record<string, Call> = {
  invoke: (client) => client.invoke('mine', {}),
  invokeText: (client) => client.invokeText('mine', '{}', { id: 'text-1' }),
  invokeTogether: (client) => client.invokeTogether('mine', '{}', { id: 'together-1' }),
  invokeOnce: (client) => client.invokeOnce('mine', '{}', { id: 'once-1' }),
  invokeMany: (client) => client.invokeMany('mine', [{}, {}]),
  invokeTexts: (client) => client.invokeTexts('mine', ['{}', '{}']),
  cancel: (client) => client.cancel(ID),
  requestPayload: (client) => client.timeline(ID).then((timeline) => client.requestPayload(timeline)),
  responsePayload: (client) => client.timeline(ID).then((timeline) => client.responsePayload(timeline)),
  result: (client) => client.result(ID, { timeoutInMs: 1_000 }),
  subscribe: (client) => client.subscribe('mine'),
  timeline: (client) => client.timeline(ID),
  system: (client) => client.system(),
  sequenceAt: (client) => client.sequenceAt(new Date(0)),
  invocationsAt: (client) => client.invocationsAt(1),
  lastSequence: (client) => client.lastSequence(),
  firstFrom: (client) => client.firstFrom(1),
  'functions.put': (client) => client.functions.put({ name: 'new', handler: { kind: 'subject', subject: 'fn.new' } }),
  'functions.change': (client) => client.functions.change('mine', (present) => present ?? { name: 'mine', ...handled }),
  'functions.deploy': (client) => client.functions.deploy('mine', { definition: { name: 'mine', ...handled } } as never),
  'functions.get': (client) => client.functions.get('mine'),
  'functions.find': (client) => client.functions.find('mine'),
  'functions.list': (client) => client.functions.list(),
  'functions.page': (client) => client.functions.page({ limit: 1 }),
  'functions.delete': (client) => client.functions.delete('mine'),
  'functions.publish': (client) => client.functions.publish('mine'),
  'functions.deleteVersion': (client) => client.functions.deleteVersion('mine', 'v1'),
  'functions.sealStored': (client) => client.functions.sealStored('mine'),
  'functions.checkDestinations': (client) =>
    client.functions.checkDestinations('mine', [{ destination: 'FunctionGraph', param: { func_urn: 'other' } }], 'onSuccess'),
  'functions.putAlias': (client) => client.functions.putAlias('mine', { name: 'live', version: 'v1' } as never),
  'functions.changeAlias': (client) => client.functions.changeAlias('mine', () => ({ name: 'live', version: 'v1' }) as never),
  'functions.decideCanary': (client) => client.functions.decideCanary('mine', 'live', {} as never),
  'functions.deleteAlias': (client) => client.functions.deleteAlias('mine', 'live'),
  'functions.changePolicy': (client) => client.functions.changePolicy('mine', 'latest', (policy) => policy),
  'functions.testEvents.list': (client) => client.functions.testEvents.list('mine'),
  'functions.testEvents.put': (client) => client.functions.testEvents.put('mine', { name: 'first', text: '{}' }),
  'functions.testEvents.delete': (client) => client.functions.testEvents.delete('mine', 'first'),
  'functions.testEvents.example': (client) => client.functions.testEvents.example('mine'),
  'functions.testEvents.putExample': (client) => client.functions.testEvents.putExample('mine', '{}'),
  'functions.layers.list': (client) => client.functions.layers.list(undefined),
  'functions.layers.find': (client) => client.functions.layers.find(undefined, 'one'),
  'functions.layers.put': (client) => client.functions.layers.put(undefined, { name: 'one', digest: 'a'.repeat(128) } as never),
  'functions.layers.delete': (client) => client.functions.layers.delete(undefined, 'one'),
  'schedules.put': (client) => client.schedules.put({ name: 'daily', function: 'mine', cron: '0 0 * * *' } as never),
  'schedules.get': (client) => client.schedules.get('daily'),
  'schedules.list': (client) => client.schedules.list(),
  'schedules.page': (client) => client.schedules.page({ limit: 1 }),
  'schedules.delete': (client) => client.schedules.delete('daily'),
  'schedules.setPaused': (client) => client.schedules.setPaused('daily', true),
  'schedules.run': (client) => client.schedules.run('daily'),
  'flow.pools': (client) => client.flow.pools(),
  'flow.entry': (client) => client.flow.entry('mine' as never),
  'flow.tokens': (client) => client.flow.entry('mine' as never).then((entry) => client.flow.tokens('mine' as never, entry)),
  'batches.open': (client) => client.batches.open({ function: 'mine', id: 'batch-1' }),
  'batches.seal': (client) => client.batches.seal({ function: 'mine', id: 'batch-1' }),
  'packages.put': (client) => client.packages.put(Buffer.from('code')),
  'packages.get': (client) => client.packages.get('a'.repeat(128)),
  'packages.has': (client) => client.packages.has('a'.repeat(128)),
  'packages.sizeOf': (client) => client.packages.sizeOf('a'.repeat(128)),
  'packages.list': (client) => client.packages.list(),
  'packages.bytesOf': (client) => client.packages.bytesOf(undefined),
  'packages.delete': (client) => client.packages.delete('a'.repeat(128)),
  'repair.deadLetters': (client) => client.repair.deadLetters(),
  'repair.failures': (client) => client.repair.failures(),
  'repair.redrive': (client) => client.repair.redrive(ID),
  'repair.redriveOnce': (client) => client.repair.redriveOnce(ID),
  'repair.redeliver': (client) => client.repair.redeliver(ID),
  'repair.giveUp': (client) => client.repair.giveUp(ID, { note: 'it is not needed' }),
  'repair.dismiss': (client) => client.repair.dismiss(ID, { note: 'it is not needed' }),
  'logs.read': (client) => client.logs.read('mine'),
  'cursors.list': (client) => client.cursors.list(),
  'cursors.remove': (client) => client.cursors.remove('reader'),
  'history.get': (client) => client.history.get(ID),
  'history.list': (client) => client.history.list(),
  'history.count': (client) => client.history.count(),
  'history.batches': (client) => client.history.batches(),
  'history.stats': (client) => client.history.stats(),
  'history.timeline': (client) => client.history.timeline(ID),
  'history.tree': (client) => client.history.tree(ID),
  'history.deadLetters': (client) => client.history.deadLetters(),
  'history.waits': (client) => client.history.waits(),
  'history.sql': (client) => client.history.sql({ sql: 'select 1' } as never),
  'history.problems': (client) => client.history.problems(),
  'history.instances': (client) => client.history.instances(),
  'history.status': (client) => client.history.status(),
  'history.check': (client) => client.history.check('none'),
  'history.rebuild': (client) => client.history.rebuild('none'),
};
/** These end by a signal, by their loop or by themselves. */
const endless = ['transitions', 'follow', 'close', 'logs.follow', 'history.all'];
const notMethods = ['connection', 'logEpoch', 'clock'];

/** The names of all methods, those of the parts included. */
function methodsOf(api: object, prefix = ''): string[] {
  return Object.entries(api).flatMap(([name, member]) => {
    if (notMethods.includes(name)) return [];
    if (typeof member === 'function') return [`${prefix}${name}`];
    return typeof member === 'object' && member !== null ? methodsOf(member, `${prefix}${name}.`) : [];
  });
}

type Settled = { name: string; ms: number; error: unknown };

async function settle(client: SequentClient, [name, call]: [string, Call]): Promise<Settled> {
  const startedAt = performance.now();
  const error = await call(client).then(
    () => undefined,
    (thrown: unknown) => thrown ?? 'nothing',
  );
  return { name, ms: performance.now() - startedAt, error };
}

const inWords = ({ name, ms, error }: Settled): string => `${name} after ${Math.round(ms)} ms: ${String(error)}`;

/** Servers that accept connections and say nothing. */
async function openSilentServers(count: number) {
  const sockets = new Set<Socket>();
  const servers = Array.from({ length: count }, () => createServer((socket) => void sockets.add(socket.on('error', () => {}))));
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    urls: servers.map((server) => `nats://127.0.0.1:${(server.address() as AddressInfo).port}`),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => once(server.close(), 'close')));
    },
  };
}

/** An invocation that ends when a test cancels it. */
async function invokeLater(id?: string): Promise<Invoked> {
  await sequent.call('PUT', '/api/functions/mine', { body: { handler: { kind: 'subject', subject: 'fn.mine' } } });
  return await client.invoke('mine', {}, { id, delay: '1h' });
}

let sequent: RunningSequent;
let client: SequentClient;
beforeAll(async () => {
  sequent = await startSequent({ with: ['projection'] });
  client = await connectClient({ servers: sequent.server.url, tenancy: { region: 'local', project: PROJECT } });
  await invokeLater(ID);
});
afterAll(async () => {
  await client.close();
  await sequent[Symbol.asyncDispose]();
});

test('every method of the client has a call here, or ends by its signal', () => {
  expect(methodsOf(client).filter((name) => !endless.includes(name) && calls[name] === undefined)).toEqual([]);
});

describe.each([
  ['holds its connections and answers nothing', () => sequent.server.pause(), () => sequent.server.resume()],
  ['was killed', () => sequent.server.kill(), () => sequent.server.restart()],
] as [string, () => unknown, () => unknown][])('while a nats-server %s (LATE2)', (_, begin, end) => {
  test('every promise settles within ten seconds with an error that says what to do', { timeout: 120_000 }, async () => {
    await begin();
    const settled = await Promise.all(Object.entries(calls).map((call) => settle(client, call)));
    await end();
    process.stdout.write(
      `${settled
        .toSorted((one, other) => other.ms - one.ms)
        .slice(0, 5)
        .map(inWords)
        .join('\n')}\n`,
    );
    expect(settled.filter(({ ms }) => ms > SETTLES_WITHIN_MS + MACHINE_MS).map(inWords)).toEqual([]);
    const failed = settled.filter(({ error }) => error !== undefined);
    expect(failed.length).toBeGreaterThan(60);
    const isHelpful = (error: unknown): boolean => error instanceof SequentError && error.retryable && /repeat|again/.test(error.message);
    expect(failed.filter(({ error }) => !isHelpful(error)).map(inWords)).toEqual([]);
    await expect.poll(() => client.lastSequence(), { timeout: 30_000 }).toBeGreaterThan(0);
  });

  test('a wait for a result outlasts the outage, when the caller gave it the time', { timeout: 120_000 }, async () => {
    const { requestId: id, result } = await invokeLater();
    const waiting = result({ timeoutInMs: 60_000 });
    waiting.catch(() => {});
    await begin();
    await expect(client.lastSequence()).rejects.toThrow(SequentError);
    await expect(client.timeline(id)).rejects.toThrow(SequentError);
    await end();
    await expect.poll(() => client.cancel(id).catch(String), { timeout: 30_000 }).toEqual([id]);
    expect((await waiting).outcome).toBe('failed');
  });
});

test('a client whose servers answer nothing fails within ten seconds, however many they are', { timeout: 60_000 }, async () => {
  await using silent = await openSilentServers(3);
  const startedAt = performance.now();
  await expect(connectClient({ servers: silent.urls })).rejects.toThrow(/no server has answered .* repeat the call/);
  expect(performance.now() - startedAt).toBeLessThan(SETTLES_WITHIN_MS + MACHINE_MS);
});

test('a call that takes longer goes on while the log answers, or while its caller waits', {
  timeout: 60_000,
}, async () => {
  const late = (ms: number) => delay(ms, 'late');
  const answering = new CallsInTime({ servers: 'nats://localhost', ask: async () => 1 });
  const silent = new CallsInTime({ servers: 'nats://localhost', ask: () => new Promise(() => {}) });
  const [long, given, given0] = await Promise.allSettled([
    answering.settle(late(11_000)),
    silent.settle(late(11_000), 12_000),
    silent.settle(late(11_000)),
  ]);
  expect([long, given]).toEqual(Array(2).fill({ status: 'fulfilled', value: 'late' }));
  expect(given0).toMatchObject({ status: 'rejected', reason: { code: 'NATS_UNAVAILABLE' } });
});
