import { AckPolicy } from 'nats';
import { describe, expect, onTestFinished } from 'vitest';
import { connectClient, startWorker } from '#src/client/client.ts';
import { defineFunction } from '#src/client/worker/define-function.ts';
import { NotPermittedError } from '#src/core/errors.ts';
import { openNatsPorts } from '#src/nats/ports.ts';
import { createNatsCancellations } from '#src/nats/questions/cancellations.ts';
import { createNatsDestinationCheck } from '#src/nats/questions/destination-check.ts';
import { createNatsExecutionProbe } from '#src/nats/questions/execution-probe.ts';
import { createNatsOpenRequests } from '#src/nats/questions/open-requests.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { Pull } from '#src/nats/transport/streams/pull.ts';
import { running } from '#test/support/log/facts.ts';
import { accept, append, newStream } from '#test/support/log/opened-log.ts';
import { type GuardedServer, startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { topology } from '#test/support/nats/opened-nats.ts';
import { serverSharedByFile } from '#test/support/shared-by-file.ts';

const inbox = { subscribe: { allow: ['_INBOX.>', '_INBOX_sequent_worker.>'] } };
const peripheral = ['worker.*.runs', 'worker.*.cancel', 'scheduler.find', 'destinations.check'];
const users = {
  all: {},
  deaf: inbox,
  mute: { publish: { deny: ['invoke.*', 'invocation.*.*', 'result.*.*', 'worker.*.runs', '$JS.API.STREAM.MSG.GET.>'] }, ...inbox },
  blind: { publish: { deny: ['$JS.API.CONSUMER.>'] }, ...inbox },
  stranger: { publish: { deny: ['$JS.API.>'] }, ...inbox },
};

const test = serverSharedByFile(() => startGuardedServer(users));
let server: GuardedServer;
let admin: Connection;
test.beforeAll(async ({ server: own }) => {
  server = own;
  admin = await openConnection(server.as('all'));
  const ports = await openNatsPorts(admin, { topology, leaseInMs: 1_000 });
  ports.close();
});
test.afterAll(async () => {
  await admin.close();
});

/** A connection of this user, with the messages about its missing permissions. */
async function connectAs(user: string) {
  const connection = await openConnection(server.as(user));
  onTestFinished(() => connection.close());
  const reported: string[] = [];
  connection.refusals.onMissingPermission((message) => reported.push(message));
  return { connection, reported };
}

function answerAll(connection: Connection, worker: string, signal: AbortSignal): void {
  createNatsExecutionProbe(connection).answer(worker, () => true, signal);
  createNatsCancellations(connection).subscribe(worker, () => false, signal);
  createNatsOpenRequests(connection).answer(async () => [], signal);
  createNatsDestinationCheck(connection).answer(async () => 'a problem', signal);
}

describe('a connection whose subscriptions are refused', () => {
  test('continues, and reports each missing permission once, with the subject, the user and the grant', async () => {
    const { connection, reported } = await connectAs('deaf');
    const ending = new AbortController();
    for (const worker of ['one', 'two']) answerAll(connection, worker, ending.signal);
    await connection.refusals.settle();
    const refused = (subject: string, pattern: string): string =>
      `NATS does not permit user "deaf" to subscribe "${subject}"; add subscribe: {allow: ["${pattern}"]} to the permissions of this user`;
    expect(reported).toEqual(peripheral.map((pattern) => refused(pattern.replace('*', 'one'), pattern)));
    const late: string[] = [];
    connection.refusals.onMissingPermission((message) => late.push(message));
    expect(late).toEqual(reported);
    ending.abort();
    expect((await connection.manager.getAccountInfo()).streams).toBeGreaterThan(0);
  });

  test('subscribes once the permission is granted, without a restart', async () => {
    const { connection } = await connectAs('deaf');
    const ending = new AbortController();
    answerAll(connection, 'three', ending.signal);
    await connection.refusals.settle();
    await server.change({ ...users, deaf: { subscribe: { allow: [...inbox.subscribe.allow, ...peripheral] } } });
    const executionProbe = createNatsExecutionProbe(admin);
    await expect.poll(() => executionProbe.isRunning('three', { invocation: 'id', attempt: 1 }), { timeout: 10_000 }).toBe(true);
    ending.abort();
    await server.change(users);
  });

  test('ends a wait for a result at once, with the missing permission', async () => {
    await using client = await connectClient(server.as('deaf'));
    await client.functions.put({ name: 'waited', handler: { kind: 'subject', subject: 'waited' } });
    const invoked = await client.invoke('waited', {});
    for (let tries = 0; tries < 2; tries++) {
      const waiting = invoked.result();
      await expect(waiting).rejects.toThrow(NotPermittedError);
      await expect(waiting).rejects.toThrow('user "deaf" to subscribe "result.waited.*"; add subscribe: {allow: ["result.*.*"]}');
    }
    expect(await client.lastSequence()).toBeGreaterThan(0);
  });
});

describe('a user without permissions', () => {
  test('receives the refusal of a request, append, result and read at once, not as unknown', async () => {
    const { connection } = await connectAs('mute');
    const ports = await openNatsPorts(connection, { leaseInMs: 1_000 });
    onTestFinished(() => ports.close());
    const name = newStream();
    const refused = (subject: string, pattern: string): string =>
      `user "mute" to publish to "${subject}"; add publish: {allow: ["${pattern}"]}`;
    // An operation that waits for its timeout ends with another error.
    await expect(accept(ports.log, name)).rejects.toThrow(refused('invoke.orders', 'invoke.*'));
    await expect(ports.log.append(name, append([running(1)]), {})).rejects.toThrow(
      refused(`invocation.orders.${name.stream}`, 'invocation.*.*'),
    );
    await expect(ports.results.publish(name, 'x' as never, 'succeeded', '{}')).rejects.toThrow(
      refused('result.orders.succeeded', 'result.*.*'),
    );
    await expect(ports.log.readRequest(1)).rejects.toThrow(
      refused('$JS.API.STREAM.MSG.GET.INVOCATIONS', '$JS.API.STREAM.MSG.GET.INVOCATIONS'),
    );
  });

  test('does not regard a worker as lost that it may not ask', async () => {
    const { connection } = await connectAs('mute');
    const asked = createNatsExecutionProbe(connection).isRunning('worker', { invocation: 'id', attempt: 1 });
    await expect(asked).rejects.toThrow('user "mute" to publish to "worker.worker.runs"; add publish: {allow: ["worker.*.runs"]}');
  });

  test('receives the missing permission when it connects, not an error that JetStream is off', async () => {
    await expect(openConnection(server.as('stranger'))).rejects.toThrow(
      'NATS does not permit user "stranger" to publish to "$JS.API.INFO"; add publish: {allow: ["$JS.API.INFO"]} to the permissions of this user',
    );
  });

  test('receives once the problem that a consumer cannot be opened, with the permission', async () => {
    const { connection } = await connectAs('blind');
    const ending = new AbortController();
    const problems: string[] = [];
    const pull = new Pull({
      connection,
      stream: 'INVOCATIONS',
      openConsumer: async () =>
        (await connection.manager.consumers.add('INVOCATIONS', { durable_name: 'x', ack_policy: AckPolicy.None })).name,
      demand: () => 1,
      onMessage: () => {},
      onProblem: (problem) => problems.push(problem),
      signal: ending.signal,
    });
    await expect.poll(() => problems.length).toBe(1);
    pull.reopen();
    pull.reopen();
    await connection.refusals.settle();
    expect(problems).toEqual([
      expect.stringContaining('add publish: {allow: ["$JS.API.CONSUMER.CREATE.INVOCATIONS.>"]} to the permissions of this user'),
    ]);
    ending.abort();
    await pull.done;
  });
});

test('a worker whose questions are refused runs invocations, and logs each missing permission once', async () => {
  const logged: string[] = [];
  const log = (_: object, message: string): void => void logged.push(message);
  const double = defineFunction({ name: 'double', handler: (value: number) => value * 2 });
  await using worker = await startWorker({
    ...server.as('deaf'),
    functions: [double],
    logger: { debug: log, info: log, warn: log, error: log },
  });
  await using client = await connectClient(server.as('all'));
  for (const value of [1, 2]) expect((await (await client.invoke(double, value)).result()).value).toBe(2 * value);
  await worker.stop();
  const refused = logged.filter((message) => message.startsWith('NATS does not permit user "deaf" to subscribe'));
  expect(refused).toContainEqual(expect.stringContaining('add subscribe: {allow: ["worker.*.runs"]}'));
  expect(refused).toContainEqual(expect.stringContaining('add subscribe: {allow: ["worker.*.cancel"]}'));
  expect(new Set(refused.map((message) => message.split('; ')[1])).size).toBe(refused.length);
});
