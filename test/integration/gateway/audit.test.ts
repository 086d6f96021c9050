import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditEntry, AuditLog, AuditQuery } from '#src/core/ports/audit-log.ts';
import { createNatsAuditLog, ensureAuditStream } from '#src/nats/streams/audit-log.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { PROJECT, type RunningSequent, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { type OpenedNats, openNats, topology } from '#test/support/nats/opened-nats.ts';

let sequent: RunningSequent;
let nats: OpenedNats;
let audit: AuditLog;
beforeAll(async () => {
  sequent = await startSequent();
  nats = await openNats(sequent.server.url);
  audit = createNatsAuditLog(nats.connection, nats.ports.publisher);
});
afterAll(async () => {
  await nats[Symbol.asyncDispose]();
  await sequent[Symbol.asyncDispose]();
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
    await ensureAuditStream(nats.connection, { ...topology, maxAgeInMs: 86_400_000 });
    expect(await ageOf()).toBe(86_400_000 * 1e6);
    await ensureAuditStream(nats.connection, { ...topology, maxAgeInMs: undefined });
    expect(await ageOf()).toBe(0);
  });
});
