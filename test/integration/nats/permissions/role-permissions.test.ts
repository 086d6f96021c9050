import { describe, expect } from 'vitest';
import { namesOf } from '#src/cli/commands/storm/functions.ts';
import { runStorm } from '#src/cli/commands/storm/run.ts';
import { connectClient } from '#src/client/client.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { createStreams } from '#src/main/roles/create-streams.ts';
import type { RunningRoles } from '#src/main/roles/roles.ts';
import { createNatsPayloadRemoval } from '#src/nats/payload-removal.ts';
import { userOfRole } from '#src/nats/permissions/permission-formats.ts';
import { PERMISSION_ROLES, type PermissionRole, permissionsOf } from '#src/nats/permissions/role-permissions.ts';
import { findUnreadResults } from '#src/nats/streams/results/unread-results.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { gatewayStreams } from '#src/nats/wire/topology.ts';
import { test as base } from '#test/support/fixtures.ts';
import { authorization, startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { startRole } from '#test/support/nats/guarded-system.ts';
import { startLeafNode } from '#test/support/nats/leaf-node.ts';
import { openNats, topology } from '#test/support/nats/opened-nats.ts';
import { eventOf } from '#test/support/payloads/large-event.ts';

const roles = ['worker', 'scheduler', 'destinations', 'projection', 'janitor', 'gateway'] as const;
const file = new URL('../../../support/e2e/functions.mjs', import.meta.url).pathname;
const packed = await writeZip([{ path: 'index.js', content: Buffer.from('exports.handler = () => 1') }]);
const nameOf = (role: PermissionRole): string => `sequent_${role}`;

const test = base
  .extend('guarded', async ({ task: _ }, { onCleanup }) => {
    const printed = PERMISSION_ROLES.map((role) => userOfRole(role));
    const guarded = await startGuardedServer({ admin: {} }, printed);
    onCleanup(() => guarded[Symbol.asyncDispose]());
    // One run with all permissions creates the streams.
    await using provisioned = await openNats(guarded.as('admin'));
    await provisioned.ports.streams.add(...gatewayStreams({ ...topology, maxAgeInMs: undefined }));
    return guarded;
  })
  .extend('missing', [] as string[]);

describe('the printed permissions', () => {
  test('are all that the roles, an operator, a producer and a consumer need', { timeout: 180_000 }, async ({
    guarded,
    missing,
    folder,
  }) => {
    const open = async (role: PermissionRole): Promise<Connection> => {
      const connection = await openConnection({ ...guarded.as(nameOf(role)), role });
      connection.refusals.onMissingPermission((message) => void missing.push(message));
      return connection;
    };
    const running: RunningRoles[] = [];
    for (const role of roles)
      running.push(await startRole(role, { connection: await open(role), address: guarded.as(nameOf(role)), folder, missing }));
    const responder = await openConnection(guarded.as('admin'));
    responder.nats.subscribe('fn.echo', { callback: (_, message) => void message.respond(message.data) });
    responder.nats.subscribe('fn.heard', { callback: () => {} });
    const operator = await connectClient({ ...guarded.as(nameOf('operator')), role: 'operator', jetstreamApi: 'required' });
    operator.connection.refusals.onMissingPermission((message) => void missing.push(message));

    await operator.packages.put(packed);
    await operator.functions.put({ name: 'after', handler: { kind: 'subject', subject: 'fn.echo' } });
    const onSuccess = [
      { destination: 'FunctionGraph', param: { func_urn: 'after' } },
      { destination: 'DIS', param: { stream_name: 'outcomes' } },
      { destination: 'NATS', param: { subject: 'fn.heard', stored: false } },
    ];
    await operator.functions.put({
      name: 'second',
      handler: { kind: 'process', file, export: 'second' },
      policy: { maxRetries: 1, onSuccess },
    });
    await operator.functions.put({ name: 'large', handler: { kind: 'subject', subject: 'fn.echo' }, maxPayloadBytes: 1_000_000 });
    await operator.functions.put({ name: 'forever', handler: { kind: 'process', file, export: 'forever' } });

    const producer = await connectClient({
      ...guarded.as(nameOf('producer')),
      inboxPrefix: '_INBOX_sequent_producer',
      jetstreamApi: 'unused',
    });
    const consumer = await connectClient({
      ...guarded.as(nameOf('consumer')),
      inboxPrefix: '_INBOX_sequent_consumer',
      jetstreamApi: 'unused',
    });
    const heard = consumer.result('order-1', { function: 'second', timeoutInMs: 30_000 });
    await consumer.connection.nats.flush();
    await producer.invoke('second', {}, { id: 'order-1' });
    expect(await heard).toMatchObject({ outcome: 'succeeded' });
    const long = await operator.invoke('forever', {});
    await operator.cancel(long.requestId);
    expect(await long.result()).toMatchObject({ outcome: 'failed' });

    const history = await connectClient({ ...guarded.as(nameOf('history')), role: 'history', jetstreamApi: 'required' });
    history.connection.refusals.onMissingPermission((message) => void missing.push(message));
    const notified = async (): Promise<unknown> =>
      (await history.history.list({ state: ['notified'] }).catch((error: unknown) => ({ invocations: [error, ...missing] }))).invocations;
    await expect.poll(notified, { timeout: 20_000 }).toHaveLength(3);
    const large = await operator.invokeText('large', eventOf(600_000), { id: 'large-1' });
    expect(await large.result()).toMatchObject({ outcome: 'succeeded', value: JSON.parse(eventOf(600_000)) });
    expect(await operator.repair.redrive('large-1')).toMatch(/-/);
    expect(await findUnreadResults(operator.connection)).toBeUndefined();
    const http = running.at(-1)?.gateway?.url ?? '';
    for (const key of ['large-2', 'large-3']) {
      const headers = { 'idempotency-key': key, prefer: 'wait=10' };
      const sent = await fetch(`${http}/api/functions/large/invocations`, { method: 'POST', headers, body: eventOf(400_000) });
      expect(sent.status).toBe(200);
    }
    for (const role of ['scheduler', 'janitor'] as const) await removePayload(await open(role));
    const posted = await fetch(`${http}/api/functions/after/invocations`, {
      method: 'POST',
      headers: { prefer: 'wait=10' },
      body: '{"a":1}',
    });
    expect(posted.status).toBe(200);
    for (const path of ['system', 'functions', 'invocations', 'functions/second', 'stats', 'destinations/graph'])
      expect((await fetch(`${http}/api/${path}`)).status).toBe(200);
    // The question collects answers for a limited time, and a busy role may answer later.
    const rolesHeard = async () => (await operator.system()).instances.flatMap((instance) => instance.roles).sort();
    await expect.poll(rolesHeard).toEqual([...roles].sort());
    await operator.schedules.put({ name: 'often', cron: '* * * * * *', function: 'after' });
    const fired = async (): Promise<number> => (await operator.schedules.get('often')).progress.fired;
    await expect.poll(fired, { timeout: 20_000 }).toBeGreaterThan(0);
    await operator.schedules.delete('often');
    // The scheduler asks the worker of each attempt to end it.
    await operator.schedules.put({ name: 'again', cron: '* * * * * *', function: 'forever', overlap: 'cancel' });
    const canceled = async () => (await operator.history.list({ function: 'forever', condition: ['InvocationCanceled'] })).invocations;
    await expect.poll(async () => (await canceled()).filter(({ attempts }) => attempts > 0).length, { timeout: 30_000 }).toBeGreaterThan(2);
    await operator.schedules.delete('again');
    await operator.batches.open({ function: 'after', id: 'counted' });
    await operator.batches.seal({ function: 'after', id: 'counted' });
    const stateOfBatch = async () => (await operator.history.batches({ id: 'counted' })).batches.map(({ state }) => state);
    await expect.poll(stateOfBatch, { timeout: 20_000 }).toEqual(['notified']);
    await operator.functions.delete('forever');
    const storm = { functions: namesOf('calm'), tag: 'calm', minutes: 0.02, rate: 20, settle: 60_000 };
    const left: string[] = [];
    const told = { report: () => {}, warn: (line: string) => void left.push(line) };
    const judged = await runStorm({ ...storm, ...told, client: operator, stop: new AbortController().signal });
    expect({ anomalies: judged?.results.anomalies, left }).toEqual({ anomalies: {}, left: [] });
    // The operator may hear the executions of its storm, and answer them.
    expect(judged?.results.executions).toBeGreaterThan(5);

    for (const role of running.reverse()) await role.stop(0);
    for (const client of [operator, history, producer, consumer]) await client.close();
    await responder.close();
    expect(missing).toEqual([]);
  });

  test.for(PERMISSION_ROLES)('of a %s grant these subjects alone', async (role, { guarded }) => {
    const { nats, refusals, close } = await openConnection(
      { ...guarded.as(nameOf(role)), inboxPrefix: `_INBOX_sequent_${role}` },
      { needsJetStream: false },
    );
    const refused = new Set<string>();
    refusals.listen(({ operation, subject }) => void refused.add(`${operation} ${subject}`));
    const own = permissionsOf(role);
    const all = PERMISSION_ROLES.map((each) => permissionsOf(each));
    const probes = {
      publish: literals(all.flatMap(({ publish }) => publish)),
      subscribe: literals(all.flatMap(({ subscribe }) => subscribe)),
    };
    for (const subject of probes.publish) nats.publish(subject);
    for (const subject of probes.subscribe) nats.subscribe(subject, { callback: () => {} });
    await refusals.settle();
    for (const operation of ['publish', 'subscribe'] as const) {
      const expected = probes[operation].filter((subject) => !own[operation].some((pattern) => matches(pattern, subject)));
      expect(probes[operation].filter((subject) => refused.has(`${operation} ${subject}`))).toEqual(expected);
      expect(expected.length).toBeGreaterThan(10);
    }
    await close();
  });
});

describe('the printed permissions for a JetStream domain', () => {
  test('are all that roles and clients need on a leaf node with TLS first', { timeout: 60_000 }, async ({ folder, missing }) => {
    const needed = ['worker', 'scheduler', 'operator', 'producer'] as const;
    const printed = needed.map((role) => ({ name: nameOf(role), permissions: permissionsOf(role, { domain: 'hub', project: 'b' }) }));
    const admin = { user: 'admin', pass: 'pw' };
    await using leaf = await startLeafNode(folder, { users: authorization({ admin: {} }, printed), user: admin });
    const tls = { caFile: leaf.caFile, handshakeFirst: true };
    const as = (role: PermissionRole) => ({ servers: leaf.leafUrl, tls, domain: 'hub', user: nameOf(role), pass: 'pw' });
    // As `sequent nats-streams` does.
    const provisioning = await openConnection({ ...as('operator'), ...admin });
    await createStreams(provisioning, { topology, auditRetentionInMs: undefined });
    await provisioning.close();
    const running: RunningRoles[] = [];
    for (const role of ['worker', 'scheduler'] as const) {
      const connection = await openConnection({ ...as(role), role });
      connection.refusals.onMissingPermission((message) => void missing.push(message));
      running.push(await startRole(role, { connection, address: as(role), folder, missing }));
    }
    const operator = await connectClient({ ...as('operator'), role: 'operator', jetstreamApi: 'required' });
    operator.connection.refusals.onMissingPermission((message) => void missing.push(message));
    const digest = await operator.packages.put(packed, 'b');
    const handler = { kind: 'process' as const, package: digest, file: 'index.js' };
    await operator.functions.put({ name: 'b=one', handler, maxPayloadBytes: 1_000_000 });
    const producer = await connectClient({ ...as('producer'), inboxPrefix: '_INBOX_sequent_producer_b', jetstreamApi: 'unused' });
    await producer.invoke('b=one', {}, { id: 'order-1' });
    expect(await operator.result('order-1', { function: 'b=one' })).toMatchObject({ outcome: 'succeeded', value: 1 });
    const large = await operator.invokeText('b=one', eventOf(600_000));
    expect(await large.result()).toMatchObject({ outcome: 'succeeded', value: 1 });
    expect(missing).toEqual([]);
    await expect(producer.invoke('second', {})).rejects.toMatchObject({ name: 'NotPermittedError' });
    for (const role of running.reverse()) await role.stop(0);
    for (const client of [operator, producer]) await client.close();
  });
});

/** Removes one large payload as the sweep does, and another one as an erasure does. */
async function removePayload(connection: Connection): Promise<void> {
  const removal = createNatsPayloadRemoval(connection);
  const [payload, another] = await removal.list();
  if (payload === undefined || another === undefined) throw new Error('too few payloads');
  await removal.remove(payload);
  await removal.removeParts(another.parts);
  for (const { parts } of await removal.looseParts()) await removal.removeParts(parts);
  expect(await removal.looseParts()).toEqual([]);
  await removal.erase(another.owner?.function ?? '', new Set([another.owner?.invocation ?? '']));
  await connection.close();
}

function literals(patterns: readonly string[]): string[] {
  return [...new Set(patterns.map((pattern) => pattern.replaceAll(/[*>]/g, 'x')))].sort();
}

function matches(pattern: string, subject: string): boolean {
  const tokens = subject.split('.');
  const wanted = pattern.split('.');
  if (wanted.at(-1) === '>' ? tokens.length < wanted.length : tokens.length !== wanted.length) return false;
  return wanted.every((token, index) => token === '*' || token === '>' || token === tokens[index]);
}
