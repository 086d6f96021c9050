import { describe, expect } from 'vitest';
import { changeQuota } from '#src/core/quotas/change-quota.ts';
import type { QuotaLimits } from '#src/core/quotas/project-quota.ts';
import type { BatchLine } from '#test/support/gateway/batch-call.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { PROJECT, type RunningSequent, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const file = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const test = sharedByFile(() => startSequent({ with: ['projection'] }));
let one: RunningSequent;
let other: RunningSequent;

test.beforeAll(async ({ sequent: own }) => {
  one = own;
  other = await one.another();
});
test.afterAll(async () => {
  await other?.[Symbol.asyncDispose]();
});
test.afterEach(async () => {
  await setQuota({});
});

/** Sets the quotas of the other project. Resolves when both gateways know them. */
async function setQuota(limits: QuotaLimits): Promise<void> {
  await changeQuota(one.roles.ports.functions, STRANGER.project, () => limits);
  const { open, rate, storedBytes } = limits;
  const wanted = [open, rate, storedBytes].filter((limit) => limit !== undefined);
  const knows = async (at: RunningSequent): Promise<boolean> => {
    const { quotas } = (await (await call(at, 'GET /api/system')).json()) as { quotas: { limit: number }[] };
    return JSON.stringify(quotas.map(({ limit }) => limit)) === JSON.stringify(wanted);
  };
  await Promise.all([one, other].map((at) => eventually(() => knows(at))));
}

/** A function of the other project. A paused one keeps its invocations open. */
async function define(name: string, paused: boolean): Promise<void> {
  const handler = { kind: 'process', file, export: 'greet' } as const;
  await one.roles.registry.put({ name: `${STRANGER.project}=${name}`, handler, paused });
}

type Content = { body?: unknown; headers?: Record<string, string> };

const call = (at: RunningSequent, route: string, { headers, ...content }: Content = {}) => {
  const [method = '', path = ''] = route.split(' ');
  return at.call(method, path, { ...content, headers: { 'x-auth-token': STRANGER.token, ...headers } });
};
const invoke = (at: RunningSequent, name: string, body: unknown = {}) => call(at, `POST /api/functions/${name}/invocations`, { body });
const vendorPath = (name: string): string => `/v2/${STRANGER.project}/fgs/functions/${name}/invocations`;

describe('the quota of open invocations', () => {
  test('refuses a further request before it is accepted, and accepts again when invocations have ended', async () => {
    await define('held', true);
    await setQuota({ open: 3 });
    const accepted = [await invoke(one, 'held'), await invoke(one, 'held'), await invoke(one, 'held')];
    expect(accepted.map(({ status }) => status)).toEqual([202, 202, 202]);
    const refused = await invoke(one, 'held');
    const detail = `project ${STRANGER.project} has 3 open invocations; its quota is 3. Nothing was accepted: send again when some have ended, or ask the operator for a larger quota`;
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([
      429,
      '5',
      { type: 'urn:sequent:problem:quota-exceeded', title: 'quota exceeded', status: 429, code: 'QUOTA_EXCEEDED', detail },
    ]);
    expect((await one.call('POST', '/api/functions/missing/invocations', { body: {} })).status).toBe(404);
    await define('held', false);
    await eventually(async () => (await invoke(one, 'held')).status === 202);
  });

  test('is refused by every route that accepts work, each in the form of its API', async () => {
    await define('full', false);
    const done = await call(one, 'POST /api/functions/full/invocations', { body: {}, headers: { prefer: 'wait=20' } });
    const { request_id: id } = (await done.json()) as { request_id: string };
    const schedule = { cron: '0 3 * * *', time_zone: 'UTC', function: 'full' };
    expect((await call(one, 'PUT /api/schedules/nightly', { body: schedule })).status).toBe(200);
    await setQuota({ open: 0 });

    for (const path of [`${vendorPath('full')}-async`, vendorPath('full')]) {
      const reply = await call(one, `POST ${path}`, { body: {} });
      expect([path, reply.status, reply.headers.get('retry-after'), await reply.json()]).toEqual([
        path,
        429,
        '5',
        {
          error_code: 'FSS.0429',
          error_msg: expect.stringContaining('its quota is 0. Nothing was accepted'),
          request_id: expect.any(String),
        },
      ]);
    }
    const own = [
      ['/api/functions/full/invocations', {}],
      ['/api/functions/full/invocations?batch', [1, 2]],
      [`/api/invocations/${id}/redrive?function=full`, {}],
      ['/api/schedules/nightly/run', {}],
    ] as const;
    for (const [path, body] of own) {
      const reply = await call(one, `POST ${path}`, { body });
      expect([path, reply.status, reply.headers.get('content-type'), await reply.json()]).toEqual([
        path,
        429,
        'application/problem+json',
        expect.objectContaining({ code: 'QUOTA_EXCEEDED' }),
      ]);
    }
    const keyed = await call(one, 'POST /api/functions/full/invocations', { body: {}, headers: { 'idempotency-key': 'a-new-key' } });
    expect(keyed.status).toBe(429);
  });

  test('does not refuse the repetition of a keyed request that was accepted before', async () => {
    await define('repeated', true);
    const headers = { 'idempotency-key': 'before-the-quota' };
    const send = () => call(one, 'POST /api/functions/repeated/invocations', { body: {}, headers });
    expect((await send()).status).toBe(202);
    await setQuota({ open: 0 });
    const again = await send();
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
  });

  test('ends a batch of lines with the problem, and the batch can be repeated with its key', async () => {
    await define('lines', true);
    await setQuota({ open: 0 });
    const body = '{"n":1}\n{"n":2}\n{"n":3}\n';
    const send = async () => {
      const reply = await call(one, 'POST /api/functions/lines/batches', { body, headers: { 'idempotency-key': 'resumed-batch' } });
      const lines = (await reply.text()).trimEnd().split('\n');
      return JSON.parse(lines.at(-1) ?? '') as BatchLine;
    };
    const refused = await send();
    expect(refused).toMatchObject({ type: 'end', accepted: 0, unanswered: 3, problem: { status: 429 } });
    await setQuota({ open: 1_000 });
    expect(await send()).toMatchObject({ type: 'end', accepted: 3, unanswered: 0 });
  });

  test('counts what the other gateway accepted', async () => {
    await define('shared', true);
    await setQuota({ open: 10_000 });
    await Promise.all(Array.from({ length: 20 }, () => invoke(one, 'shared')));
    await setQuota({ open: 1 });
    await eventually(async () => {
      const { detail = '' } = (await (await invoke(other, 'shared')).json()) as { detail?: string };
      return Number(/has (\d+) open/.exec(detail)?.[1] ?? 0) >= 20;
    });
  });
});

describe('the figures of quotas', () => {
  test('are in /api/system and in the metrics: all for the own project, and its own ones for another one', async () => {
    await define('shown', true);
    await setQuota({ open: 100_000, rate: 1_000, weight: 2 });
    await changeQuota(one.roles.ports.functions, undefined, () => ({ open: 0 }));
    expect((await invoke(one, 'shown')).status).toBe(202);
    const quotasFor = async (token?: string): Promise<unknown> => {
      const headers = token === undefined ? {} : { 'x-auth-token': token };
      return ((await (await one.call('GET', '/api/system', { headers })).json()) as { quotas: unknown }).quotas;
    };
    const theirs = { project: STRANGER.project, refused: expect.any(Number), is_reached: expect.any(Boolean) };
    const visible = [
      { ...theirs, quota: 'open', limit: 100_000, used: expect.any(Number) },
      { ...theirs, quota: 'rate', limit: 1_000 },
    ];
    expect(await quotasFor(STRANGER.token)).toEqual(visible);
    const own = { project: PROJECT, quota: 'open', limit: 0, used: 0, refused: 0, is_reached: true };
    expect(await quotasFor()).toEqual(expect.arrayContaining([...visible, own]));
    const metrics = await (await one.call('GET', '/metrics')).text();
    expect(metrics).toContain(`sequent_quota_limit{project="${STRANGER.project}",quota="rate"} 1000`);
    expect(metrics).toMatch(new RegExp(`sequent_quota_used\\{project="${STRANGER.project}",quota="open"\\} [1-9]`));
    await changeQuota(one.roles.ports.functions, undefined, () => ({}));
  });
});

describe('the quota of stored bytes', () => {
  test('refuses once the log holds as much, with its large payloads, and says how much that is', async () => {
    await define('stored', true);
    await setQuota({ storedBytes: 200_000 });
    await eventually(async () => {
      const reply = await invoke(one, 'stored', { text: 'x'.repeat(20_000) });
      if (reply.status === 202) return false;
      const problem = (await reply.json()) as { detail: string };
      expect([reply.status, reply.headers.get('retry-after')]).toEqual([429, '60']);
      expect(Number(/stores (\d+) bytes/.exec(problem.detail)?.[1])).toBeGreaterThanOrEqual(200_000);
      return true;
    });
    await eventually(async () => (await invoke(other, 'stored')).status === 429);
    await setQuota({ storedBytes: 1_000_000_000 });
    expect((await invoke(one, 'stored')).status).toBe(202);
  });
});

describe('the default of the stored bytes', () => {
  test('leaves half of a limited log to the others when a project sends until it is refused (QUO6)', { timeout: 120_000 }, async () => {
    await using limited = await startSequent({ with: ['projection'], logBytes: 80_000_000 });
    const handler = { kind: 'inline' } as const;
    for (const name of ['held', `${STRANGER.project}=held`]) await limited.roles.registry.put({ name, handler, paused: true });
    const body = { text: 'x'.repeat(200_000) };
    const refused: Response[] = [];
    /** The read model counts what a project stores. On a busy machine it reads the log later than this test fills it. */
    const isRead = async (): Promise<boolean> => {
      const { projection } = (await (await limited.call('GET', '/api/system')).json()) as { projection?: { lag: number } };
      return projection?.lag === 0;
    };
    for (let count = 0; count < 400 && refused.length < 4; count += 4) {
      if (count % 40 === 0) await eventually(isRead);
      const replies = await Promise.all(Array.from({ length: 4 }, () => invoke(limited, 'held', body)));
      refused.push(...replies.filter(({ status }) => status !== 202));
    }
    expect(await Promise.all(refused.map((reply) => reply.json()))).toEqual(
      refused.map(() => expect.objectContaining({ code: 'QUOTA_EXCEEDED', detail: expect.stringContaining('its quota is 10000000') })),
    );
    expect(refused.length).toBeGreaterThan(0);
    const own = await Promise.all(Array.from({ length: 20 }, () => limited.call('POST', '/api/functions/held/invocations', { body })));
    expect(own.map(({ status }) => status)).toEqual(own.map(() => 202));
    const system = (await (await call(limited, 'GET /api/system')).json()) as { quotas: unknown };
    expect(system.quotas).toEqual([expect.objectContaining({ quota: 'stored_bytes', limit: 10_000_000, is_reached: true })]);
  });
});

describe('the quota of the accept rate', () => {
  test('is shared by two gateways: together they accept the burst and what the time since then allows', async () => {
    await define('fast', true);
    await setQuota({ rate: 1, burst: 10 });
    const startedAt = performance.now();
    const replies = await Promise.all(Array.from({ length: 60 }, (_, index) => invoke(index % 2 === 0 ? one : other, 'fast')));
    const seconds = (performance.now() - startedAt) / 1_000;
    const accepted = replies.filter(({ status }) => status === 202).length;
    const refused = replies.filter(({ status }) => status === 429);
    expect(accepted).toBeGreaterThanOrEqual(10);
    expect(accepted).toBeLessThanOrEqual(10 + Math.ceil(seconds));
    expect(accepted + refused.length).toBe(60);
    for (const reply of refused) {
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(await reply.json()).toMatchObject({
        code: 'QUOTA_EXCEEDED',
        detail: expect.stringContaining('sends more than its quota of 1 requests per second (burst 10)'),
      });
    }
    await eventually(async () => (await invoke(other, 'fast')).status === 202);
  });

  test('lets the lines of a batch wait for their turn', async () => {
    await define('paced', true);
    await setQuota({ rate: 20, burst: 5 });
    const body = Array.from({ length: 25 }, (_, index) => `{"n":${index}}\n`).join('');
    const reply = await call(one, 'POST /api/functions/paced/batches', { body });
    const lines = (await reply.text()).trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ type: 'end', accepted: 25, unanswered: 0 });
  });
});
