import { describe, expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import type { AuditEntry, AuditLog, AuditQuery } from '#src/core/ports/stores/audit-log.ts';
import { permissionsOf } from '#src/nats/permissions/role-permissions.ts';
import { createNatsAuditLog } from '#src/nats/streams/audit-log.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { ensureStream } from '#src/nats/transport/streams/ensure-stream.ts';
import { auditStream } from '#src/nats/wire/topology.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { PROJECT, type RunningSequent, STRANGER, startGuardedSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { type OpenedNats, openNats, topology } from '#test/support/nats/opened-nats.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(startSequent);
let sequent: RunningSequent;
let nats: OpenedNats;
let audit: AuditLog;
test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  nats = await openNats(sequent.server.url);
  audit = createNatsAuditLog(nats.connection, nats.ports.publisher);
});
test.afterAll(async () => {
  await nats[Symbol.asyncDispose]();
});

/** Follows the log up to the first entry that satisfies the condition. The test's timeout is the deadline. */
async function followUntil(query: AuditQuery, isLast: (entry: AuditEntry) => boolean): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  const enough = new AbortController();
  await audit.follow(
    query,
    (entry) => {
      if (enough.signal.aborted) return;
      found.push(entry);
      if (isLast(entry)) enough.abort();
    },
    enough.signal,
  );
  return found;
}

const entryOf = (given: Partial<AuditEntry>): AuditEntry => ({
  at: Date.now(),
  until: Date.now(),
  project: 'p',
  by: 'AK',
  action: 'function.put',
  status: 200,
  requestId: 'r',
  count: 1,
  ...given,
});

describe('the audit log of NATS services', () => {
  test('names the role that was answered, and a role that names the inbox of another one is not answered', async () => {
    const roles = ['history', 'operator'] as const;
    const printed = roles.map((role) => ({ name: role, permissions: permissionsOf(role) }));
    await using guarded = await startGuardedServer({ sequent: {} }, printed);
    await using system = await startGuardedSequent(guarded, 'sequent', { connections: {}, credentials: [] });
    const client = await connectClient({ ...guarded.as('sequent'), role: 'operator' });
    await client.functions.put({ name: 'shop=orders', handler: { kind: 'inline' }, paused: true });
    await client.invokeText('shop=orders', '{}', { id: 'order-1' });
    const isRead = () => client.history.list({ id: 'order-1' }).then(({ invocations }) => invocations.length === 1);
    await eventually(() => isRead().catch(() => false));
    const [reader, operator] = await Promise.all(roles.map((role) => openConnection({ ...guarded.as(role), role })));
    let instance = '';
    // A busy projection may answer too late to be listed.
    await eventually(async () => {
      [instance = ''] = await client.history.instances();
      return instance !== '';
    });
    const found: AuditEntry[] = [];
    const enough = new AbortController();
    const following = createNatsAuditLog(client.connection).follow(
      { since: 0 },
      (entry) => {
        found.push(entry);
        if (['history.rebuild', 'worker.cancel'].every((action) => found.some((one) => one.action === action))) enough.abort();
      },
      enough.signal,
    );
    const heard: string[] = [];
    // The server refuses to deliver the replies to another role.
    reader?.nats.subscribe('_INBOX_sequent_gateway.>', { callback: (error, message) => void (error ?? heard.push(message.subject)) });
    reader?.nats.publish('history.get', JSON.stringify({ id: 'order-1', function: 'shop=orders' }), { reply: '_INBOX_sequent_gateway.a' });
    const own = await reader?.nats.request('history.get', JSON.stringify({ id: 'order-1', function: 'shop=orders' }), { timeout: 30_000 });
    expect(own?.json()).toMatchObject({ id: 'order-1' });
    expect((await system.call('GET', '/api/invocations')).status).toBe(200);
    await client.functions.put({ name: 'shop=slow', handler: { kind: 'subject', subject: 'fn.shop.slow' } });
    const isAsked = new Promise<void>((resolve) => void client.connection.nats.subscribe('fn.shop.slow', { callback: () => resolve() }));
    await client.invokeText('shop=slow', '{}', { id: 'order-2' });
    await isAsked;
    await client.cancel('order-2');
    operator?.nats.publish(`history.rebuild.${instance}`, '', { reply: '_INBOX_sequent_gateway.b' });
    await following;
    expect(heard).toEqual([]);
    const seen = found.filter(({ by }) => by.startsWith('nats:'));
    expect(seen.filter(({ by }) => by === 'nats:history')).toMatchObject([
      { project: 'shop', action: 'history.get', subject: 'order-1', status: 200, count: 1 },
    ]);
    expect(seen.filter(({ by, count }) => by === 'nats:gateway' && count === 1)).toMatchObject([
      { project: PROJECT, action: 'history.rebuild' },
    ]);
    expect(seen.filter(({ action }) => action === 'worker.cancel')).toMatchObject([
      { by: 'nats:operator', project: 'shop', subject: 'order-2', status: 200, count: 1 },
    ]);
    for (const connection of [reader, operator]) await connection?.close();
    await client.close();
  });
});

describe('the audit log on NATS', () => {
  test('has the changes that a gateway made, of each project under its own subject', async () => {
    const since = Date.now() - 1_000;
    await sequent.call('DELETE', '/api/functions/mine', { headers: { 'x-request-id': 'audited-1' } });
    await sequent.call('DELETE', '/api/functions/theirs', { headers: { 'x-auth-token': STRANGER.token } });
    const mine = await followUntil({ project: PROJECT, since }, ({ requestId }) => requestId === 'audited-1');
    expect(mine.at(-1)).toMatchObject({ project: PROJECT, action: 'function.delete', subject: 'mine', status: 404, count: 1 });
    const theirs = await followUntil({ project: STRANGER.project, since }, ({ action }) => action === 'function.delete');
    expect(theirs.map(({ subject }) => subject)).toEqual(['theirs']);
    const shown = (await (await sequent.call('GET', '/api/audit?action=function.delete')).json()) as { entries: object[] };
    expect(shown.entries).toMatchObject([{ action: 'function.delete', subject: 'mine', request_id: 'audited-1' }]);
  });

  test('stores a repeated batch once, and returns the newest matching entries', async () => {
    const batch = { id: `batch-${Date.now()}`, project: 'p', entries: [entryOf({ subject: 'a' }), entryOf({ subject: 'b', by: 'OTHER' })] };
    expect([await audit.append(batch), await audit.append(batch)]).toEqual([true, true]);
    await audit.append({ id: `${batch.id}-2`, project: 'p', entries: [entryOf({ subject: 'c' }), entryOf({ subject: 'd', action: 'x' })] });
    const subjectsOf = async (query: Partial<AuditQuery>, limit = 10) =>
      (await audit.read({ project: 'p', since: 0, ...query }, limit)).map(({ subject }) => subject);
    expect(await subjectsOf({})).toEqual(['a', 'b', 'c', 'd']);
    expect(await subjectsOf({}, 2)).toEqual(['c', 'd']);
    expect(await subjectsOf({ by: 'OTHER' })).toEqual(['b']);
    expect(await subjectsOf({ action: 'x' })).toEqual(['d']);
    expect(await subjectsOf({ since: Date.now() + 60_000 })).toEqual([]);
    expect(await subjectsOf({ project: 'nobody' })).toEqual([]);
  });

  test('keeps the entries of a project for 90 days beside another one that reads 8 times a second (SHARE1)', async () => {
    const { max_msgs: ofAll = 0, max_msgs_per_subject: ofEach = 0, ...config } = auditStream({ ...topology, maxAgeInMs: undefined });
    // The sender stores at most five messages a second, so without a share the other project alone would fill the stream.
    expect(90 * 86_400 * 5).toBeGreaterThan(ofAll);
    // With its share, nine others may fill theirs too.
    expect(ofEach * 10).toBeLessThanOrEqual(ofAll);
    // The same stream, with a thousandth of the bounds.
    const { manager, nats: client } = nats.connection;
    const small = { max_msgs: ofAll / 1_000, max_msgs_per_subject: ofEach / 1_000 };
    await manager.streams.add({ ...config, ...small, name: 'SMALL_AUDIT', subjects: ['small-audit.*'] });
    const append = (project: string, times: number): void => {
      for (let time = 0; time < times; time++) client.publish(`small-audit.${project}`, `${time}`);
    };
    append('quiet', ofEach / 1_000);
    append('busy', (ofAll / 1_000) * 3);
    // The server stores a message after it has taken it from the connection.
    const stateOf = async () => (await manager.streams.info('SMALL_AUDIT', { subjects_filter: '>' })).state;
    await expect.poll(async () => (await stateOf()).last_seq).toBe(ofEach / 1_000 + (ofAll / 1_000) * 3);
    const state = await stateOf();
    expect(state.subjects).toEqual({ 'small-audit.quiet': ofEach / 1_000, 'small-audit.busy': ofEach / 1_000 });
    await manager.streams.delete('SMALL_AUDIT');
  });

  test('is printed by the command line, filtered by project and action', async () => {
    await audit.append({ id: 'batch-of-the-command', project: 'printed', entries: [entryOf({ project: 'printed', subject: 'shown' })] });
    const { code, stdout, stderr } = await runCli(['audit', '--project', 'printed', '--action', 'function.put', '-o', 'jsonl'], {
      env: { NATS_URL: sequent.server.url },
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as AuditEntry).subject),
    ).toEqual(['shown']);
  });

  test('keeps its entries for the retention that is configured, also when it changes', async () => {
    const ageOf = async () => (await nats.connection.manager.streams.info('SEQUENT_AUDIT')).config.max_age;
    await ensureStream(nats.connection, auditStream({ ...topology, maxAgeInMs: 86_400_000 }));
    expect(await ageOf()).toBe(86_400_000 * 1e6);
    await ensureStream(nats.connection, auditStream({ ...topology, maxAgeInMs: undefined }));
    expect(await ageOf()).toBe(0);
  });
});
