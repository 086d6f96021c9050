import { beforeEach, describe, expect, test } from 'vitest';
import { AuditSender } from '#src/core/audit/audit-sender.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { createAuditRecorder } from '#src/gateway/audit.ts';
import { withToken } from '#src/gateway/auth/credentials.ts';
import { createHono } from '#src/gateway/http/router.ts';
import { MemoryAuditLog } from '#test/support/gateway/memory-audit-log.ts';
import { ask, F, type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';

const TOKEN = 'a token that no entry contains';
const SECRET = 'a payload that no entry contains';
const headers = { 'x-auth-token': TOKEN };

let audit: MemoryAuditLog;
let opened: OpenedApp;
beforeEach(async () => {
  audit = new MemoryAuditLog();
  const reader = { ...withToken('p1', 'the token of a reader'), roles: ['read'] as const };
  opened = await openApp({ audit, credentials: [withToken('p1', TOKEN), reader, withToken('p2', 'the token of another project')] });
});

async function recorded() {
  expect(await opened.gateway.recorder.flush()).toBe(true);
  return audit.entries.map(({ project, action, subject, status, count }) => ({ project, action, subject, status, count }));
}

describe('the audit log', () => {
  test('has one entry for each change, with its function, outcome, key and request id', async () => {
    const body = { handler: { kind: 'inline' }, description: SECRET };
    await ask(opened, 'PUT', '/api/functions/orders', { body, headers: { ...headers, 'x-request-id': 'r-1' } });
    await ask(opened, 'DELETE', '/api/functions/nobody', { headers });
    await ask(opened, 'DELETE', `${F}/orders`, { headers });
    expect(await recorded()).toEqual([
      { project: 'p1', action: 'function.put', subject: 'orders', status: 200, count: 1 },
      { project: 'p1', action: 'function.delete', subject: 'nobody', status: 404, count: 1 },
      { project: 'p1', action: 'function.delete', subject: 'orders', status: 204, count: 1 },
    ]);
    expect(audit.entries[0]).toMatchObject({ by: expect.stringMatching(/^token:[0-9a-f]{12}$/), requestId: 'r-1' });
  });

  test('has one entry for each read of an invocation, and counts lists and invocations', async () => {
    await opened.registry.put({ name: 'orders', handler: { kind: 'inline' } });
    await ask(opened, 'GET', '/api/invocations/i-1', { headers });
    await ask(opened, 'GET', '/api/invocations/i-2/events', { headers });
    for (let times = 0; times < 3; times++) await ask(opened, 'GET', '/api/functions', { headers });
    for (let times = 0; times < 5; times++)
      await ask(opened, 'POST', '/api/functions/orders/invocations', { headers, body: JSON.stringify(SECRET) });
    const found = await recorded();
    expect(found.filter(({ action }) => action === 'invocation.read').map(({ subject, count }) => [subject, count])).toEqual([
      ['i-1', 1],
      ['i-2', 1],
    ]);
    expect(found).toContainEqual({ project: 'p1', action: 'functions.list', subject: undefined, status: 200, count: 3 });
    expect(found).toContainEqual({ project: 'p1', action: 'function.invoke', subject: 'orders', status: 202, count: 5 });
  });

  test('has the refusal of a missing role, and nothing of a caller without a credential', async () => {
    await ask(opened, 'DELETE', '/api/functions/orders', { headers: { 'x-auth-token': 'the token of a reader' } });
    await ask(opened, 'DELETE', '/api/functions/orders', { headers: { 'x-auth-token': 'a wrong token' } });
    await ask(opened, 'DELETE', '/api/functions/orders');
    expect(await recorded()).toEqual([{ project: 'p1', action: 'function.delete', subject: 'orders', status: 403, count: 1 }]);
  });

  test('contains no token and no payload', async () => {
    await ask(opened, 'PUT', '/api/functions/orders', { headers, body: { handler: { kind: 'inline' }, description: SECRET } });
    await ask(opened, 'POST', `/api/functions/orders/invocations?qualifier=latest`, { headers, body: JSON.stringify(SECRET) });
    await recorded();
    expect(audit.entries.length).toBeGreaterThan(0);
    expect(JSON.stringify(audit.entries)).not.toMatch(/that no entry contains/);
  });

  test('is shown to its own project, by key and by action', async () => {
    await ask(opened, 'DELETE', '/api/functions/mine', { headers });
    await ask(opened, 'POST', '/api/functions/mine/pause', { headers });
    await ask(opened, 'DELETE', '/api/functions/theirs', { headers: { 'x-auth-token': 'the token of another project' } });
    await recorded();
    const found = (await (await ask(opened, 'GET', '/api/audit?action=function.delete', { headers })).json()) as { entries: object[] };
    expect(found.entries).toMatchObject([{ action: 'function.delete', subject: 'mine', status: 404, count: 1 }]);
    const other = await ask(opened, 'GET', '/api/audit?key=nobody', { headers });
    expect(await other.json()).toEqual({ entries: [] });
  });

  test('keeps its entries while NATS is away, and stores each once', async () => {
    audit.isAway = true;
    await ask(opened, 'DELETE', '/api/functions/a', { headers });
    expect(await opened.gateway.recorder.flush()).toBe(false);
    audit.isAway = false;
    audit.losesAnswers = true;
    expect(await opened.gateway.recorder.flush()).toBe(false);
    audit.losesAnswers = false;
    await ask(opened, 'DELETE', '/api/functions/b', { headers });
    expect((await recorded()).map(({ subject }) => subject)).toEqual(['a', 'b']);
  });

  test('loses no entry of a project because another one makes more of them while NATS is away (SHARE1)', async () => {
    const sender = new AuditSender({ audit, clock: { now: () => 0 }, logger: silentLogger, project: 'own', maxWaiting: 10 });
    const entryOf = (project: string, n: number) => ({
      at: n,
      until: n,
      project,
      by: 'k',
      action: 'function.put',
      status: 200,
      requestId: '',
      count: 1,
    });
    for (const n of [1, 2]) sender.add(entryOf('quiet', n));
    for (let n = 0; n < 500; n++) sender.add(entryOf('loud', n));
    expect(await sender.send()).toBe(true);
    expect(audit.entries.filter(({ project }) => project === 'quiet').map(({ at }) => at)).toEqual([1, 2]);
    expect(audit.entries.filter(({ project }) => project === 'loud').map(({ at }) => at)).toEqual([492, 493, 494, 495, 496, 497, 498, 499]);
  });

  test('drops the oldest entries beyond its limit while NATS is away, and says how many', async () => {
    const options = { audit, clock: { now: () => 0 }, logger: silentLogger, project: 'p1', signal: new AbortController().signal };
    const recorder = createAuditRecorder({ ...options, maxWaiting: 2 });
    const app = createHono();
    app.use('*', async (call, next) => {
      call.set('body', new Uint8Array());
      await next();
      recorder.record(call);
    });
    app.delete('/api/functions/:name', (call) => call.text('deleted'));
    for (const name of ['a', 'b', 'c', 'd']) await app.request(`/api/functions/${name}`, { method: 'DELETE' });
    expect(await recorder.flush()).toBe(true);
    expect(audit.entries.map(({ action, subject, count }) => [action, subject, count])).toEqual([
      ['function.delete', 'c', 1],
      ['function.delete', 'd', 1],
      ['audit.lost', undefined, 2],
    ]);
  });
});
