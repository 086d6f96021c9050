import { describe, expect, test } from 'vitest';
import { createMemoryCodePackages } from '#src/core/memory/memory-code-packages.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { DefinitionLimits } from '#src/core/quotas/definition-limits.ts';
import { DEFAULT_DEFINITION_QUOTAS, type QuotaLimits, quotaKeyOf } from '#src/core/quotas/project-quota.ts';
import { ProjectQuotas } from '#src/core/quotas/project-quotas.ts';
import { withToken } from '#src/gateway/auth/credentials.ts';
import { ask, openApp } from '#test/support/gateway/opened-app.ts';

const A = { project: 'team-a', token: 'the token of team a' };
const B = { project: 'team-b', token: 'the token of team b' };
const KB = 1_024;

/** The gateway's routes with two projects, and a store in which the operator sets quotas. */
async function open() {
  const opened = await openApp({ credentials: [withToken(A.project, A.token), withToken(B.project, B.token)] });
  return {
    ...opened,
    as: ({ token }: typeof A, method: string, path: string, body?: unknown) =>
      ask(opened, method, path, { body: typeof body === 'string' ? JSON.stringify(body) : body, headers: { 'x-auth-token': token } }),
    setQuota: (limits: QuotaLimits) => opened.entries.put(quotaKeyOf(A.project), JSON.stringify({ v: 1, ...limits })),
  };
}

const definition = (userData: Record<string, string> = {}) => ({ handler: { kind: 'subject', subject: 'fn.team-a.x' }, userData });
const ofB = { handler: { kind: 'subject', subject: 'fn.team-b.x' } };

describe('the quotas of what a project defines', () => {
  test('bound the bytes of all definitions by default, and leave the other project alone', async () => {
    const { as } = await open();
    const big = definition({ a: 'x'.repeat(240 * KB) });
    const statuses: number[] = [];
    for (let at = 0; at < 100; at++) statuses.push((await as(A, 'PUT', `/api/functions/f${at}`, big)).status);
    const stored = statuses.filter((status) => status === 200).length;
    expect(stored * 240 * KB).toBeLessThanOrEqual(DEFAULT_DEFINITION_QUOTAS.definitionBytes);
    expect(stored).toBeGreaterThan(50);
    expect(new Set(statuses.slice(stored))).toEqual(new Set([403]));
    const refused = await as(A, 'PUT', '/api/functions/more', big);
    expect(await refused.json()).toMatchObject({ code: 'QUOTA_EXCEEDED', detail: expect.stringContaining('its quota is 16777216') });
    expect((await as(B, 'PUT', '/api/functions/f1', ofB)).status).toBe(200);
  });

  test('refuse one function more than the quota in both APIs, also when all come at one moment', async () => {
    const { as, setQuota } = await open();
    await setQuota({ functions: 3 });
    const replies = await Promise.all(Array.from({ length: 12 }, (_, at) => as(A, 'PUT', `/api/functions/f${at}`, definition())));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, ...Array.from({ length: 9 }, () => 403)]);
    const { functions } = (await (await as(A, 'GET', '/api/functions')).json()) as { functions: unknown[] };
    expect(functions).toHaveLength(3);
  });

  test('let a project above its quota change, pause and delete what it has', async () => {
    const { as, setQuota } = await open();
    await as(A, 'PUT', '/api/functions/one', definition());
    await as(A, 'PUT', '/api/functions/two', definition());
    await setQuota({ functions: 1, definitionBytes: 0 });
    expect((await as(A, 'PUT', '/api/functions/three', definition())).status).toBe(403);
    expect((await as(A, 'POST', '/api/functions/one/pause')).status).toBe(200);
    expect((await as(A, 'DELETE', '/api/functions/one')).status).toBe(204);
    expect((await as(A, 'DELETE', '/api/functions/two')).status).toBe(204);
  });

  test('count versions and test events with their bytes', async () => {
    const { as, setQuota } = await open();
    await as(A, 'PUT', '/api/functions/one', definition({ a: 'x'.repeat(30 * KB) }));
    await setQuota({ definitionBytes: 32 * KB });
    expect((await as(A, 'POST', '/api/functions/one/versions', { version: 'v1' })).status).toBe(403);
    await setQuota({ definitionBytes: 64 * KB });
    expect((await as(A, 'POST', '/api/functions/one/versions', { version: 'v1' })).status).toBe(200);
    expect((await as(A, 'PUT', '/api/functions/one/test-events/large', JSON.stringify('x'.repeat(8 * KB)))).status).toBe(403);
    expect((await as(A, 'PUT', '/api/functions/two', definition({ a: 'x'.repeat(8 * KB) }))).status).toBe(403);
  });
});

describe('the limits of the stores', () => {
  function limits(quota: QuotaLimits) {
    const quotas = new ProjectQuotas();
    quotas.applyChange({ key: quotaKeyOf('team-a'), value: JSON.stringify({ v: 1, ...quota }) });
    return new DefinitionLimits({ quotas, ownProject: 'own' });
  }

  test('refuse schedules and code packages beyond the quota of the project', async () => {
    const limited = limits({ schedules: 1, codeBytes: 10 });
    const store = limited.registry(createMemoryKeyValue());
    await store.put('schedule.team-a=one', '{}');
    await expect(store.put('schedule.team-a=two', '{}')).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED', quota: 'schedules' });
    await store.put('schedule.two', '{}');
    const packages = limited.packages(createMemoryCodePackages({ now: () => 0 }));
    await packages.put(Buffer.from('12345678'), 'team-a');
    await packages.put(Buffer.from('12345678'), 'team-a');
    await expect(packages.put(Buffer.from('abc'), 'team-a')).rejects.toMatchObject({ quota: 'codeBytes' });
    await packages.put(Buffer.from('abc'), 'team-b');
  });

  test('give back what a failed change had reserved, and count a change of another gateway', async () => {
    const limited = limits({ functions: 1 });
    const failing: KeyValue = { ...createMemoryKeyValue(), put: () => Promise.reject(new Error('no answer')) };
    await expect(limited.registry(failing).put('team-a=one', '{}')).rejects.toThrow('no answer');
    expect(limited.of('team-a').used).toEqual({ functions: 0, schedules: 0, bytes: 0 });
    limited.applyChange({ key: 'team-a=one', value: '{}' });
    await expect(limited.registry(createMemoryKeyValue()).put('team-a=two', '{}')).rejects.toMatchObject({ quota: 'functions' });
    limited.applyChange({ key: 'team-a=one' });
    await limited.registry(createMemoryKeyValue()).put('team-a=two', '{}');
  });

  test('refuse a further change while 32 changes of the project are in flight, with a time to repeat it', async () => {
    const limited = limits({});
    let release = (_: number): void => {};
    const held = new Promise<number>((resolve) => {
      release = resolve;
    });
    const store = limited.registry({ ...createMemoryKeyValue(), put: () => held });
    const changes = Array.from({ length: 32 }, (_, at) => store.put(`team-a=f${at}`, '{}'));
    await expect(store.put('team-a=more', '{}')).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED', retryAfterInS: 1 });
    release(1);
    await Promise.all(changes);
  });
});
