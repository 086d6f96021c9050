import { describe, expect } from 'vitest';
import { PROJECT, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startSequent({ with: ['projection'] }));
const file = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const stranger = { 'x-auth-token': STRANGER.token };

describe('SQL over HTTP', () => {
  test('shows a token the rows of its project alone', { timeout: 60_000 }, async ({ sequent }) => {
    const handler = { kind: 'process', file, export: 'greet' };
    for (const [headers, id] of [
      [{}, 'own'],
      [stranger, 'strange'],
    ] as const) {
      expect((await sequent.call('PUT', '/api/functions/greet', { body: { handler }, headers })).status).toBe(200);
      await sequent.call('POST', '/api/functions/greet/invocations', {
        body: { name: id },
        headers: { ...headers, 'idempotency-key': id, prefer: 'wait=20' },
      });
    }
    const ask = async (sql: string, headers: Record<string, string> = {}) => {
      const response = await sequent.call('POST', '/api/sql', { body: { sql }, headers });
      return { status: response.status, body: await response.json() };
    };
    await expect
      .poll(async () => (await ask('select count(*) from invocations', stranger)).body, { timeout: 20_000 })
      .toMatchObject({ rows: [[1]] });
    const rows = [['greet', 'SUCCESS']];
    for (const headers of [{}, stranger])
      expect(await ask('select function, status from invocations', headers)).toEqual({
        status: 200,
        body: { columns: ['function', 'status'], rows, is_cut: false },
      });
    for (const sql of [
      'select * from appends',
      "select readfile('/etc/passwd')",
      `select * from invocations where function like '${PROJECT}=%' union select * from x`,
      'pragma x',
    ])
      expect(await ask(sql, stranger)).toMatchObject({ status: 400 });
    expect((await sequent.call('POST', '/api/sql', { body: { sql: 'select 1', project: '' }, headers: stranger })).status).toBe(400);
    expect((await sequent.call('POST', '/api/sql', { body: { sql: 'select 1' }, headers: { 'x-auth-token': 'none' } })).status).toBe(401);
  });
});
