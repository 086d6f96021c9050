import { describe, expect } from 'vitest';
import { eventually } from '#test/support/gateway/eventually.ts';
import { PROJECT, type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const handlers = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const VENDOR = `/v2/${PROJECT}/fgs/functions/greet/invocations-async`;
const OWN = '/api/functions/greet/invocations';
const event = { name: 'Ada' };
const test = sharedByFile(startSequent);
let sequent: RunningSequent;

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  await sequent.roles.registry.put({ name: 'greet', handler: { kind: 'process', file: handlers, export: 'greet' } });
});
test.afterEach(() => sequent.server.resume());

const post = (path: string, headers: Record<string, string> = {}) => sequent.call('POST', path, { body: event, headers });

/** The number of requests with an id in the log, and the number of runs. */
async function ranOf(id: string): Promise<{ status: string; attempts: number }> {
  await eventually(async () => (await sequent.call('GET', `/api/invocations/${id}`)).status === 200);
  const reply = await sequent.call('GET', `/api/invocations/${id}`, { headers: { prefer: 'wait=10' } });
  return (await reply.json()) as { status: string; attempts: number };
}

describe('a publish that JetStream does not answer', () => {
  test('is reported as unknown instead of 202, with the key with which a repetition runs once', { timeout: 60_000 }, async () => {
    // The paused server keeps its connections and reads nothing. After the pause it may still store what was sent.
    sequent.server.pause();
    // Requests that arrive in one turn of the event loop share a message, and have ids of that message.
    const [vendor, ...own] = await Promise.all([post(VENDOR), ...Array.from({ length: 9 }, () => post(OWN))]);
    if (vendor === undefined) throw new Error('nothing was sent');
    const said = (await vendor.json()) as { error_code: string; error_msg: string };
    const key = vendor.headers.get('idempotency-key') ?? '';
    expect([vendor.status, said.error_code]).toEqual([503, 'FSS.0503']);
    const id = /it is unknown whether request (\S+) was accepted/.exec(said.error_msg)?.[1] ?? '';
    const unknown = [{ path: VENDOR, key, id }];
    for (const reply of own) {
      const problem = (await reply.json()) as { code: string; idempotency_key: string; invocation_id: string };
      expect([reply.status, problem.code, reply.headers.get('idempotency-key')]).toEqual([504, 'UNKNOWN_OUTCOME', problem.idempotency_key]);
      unknown.push({ path: OWN, key: problem.idempotency_key, id: problem.invocation_id });
    }
    for (const one of unknown) expect([one.id, `repeat-${one.id}`]).toContain(one.key);
    expect(new Set(unknown.map((one) => one.id)).size).toBe(10);

    sequent.server.resume();
    await eventually(async () => (await fetch(`${sequent.url}/readyz`)).status === 200);
    for (const { path, key, id } of unknown) {
      const again = await post(path, { 'idempotency-key': key });
      expect([again.status, await again.json()]).toEqual([202, { request_id: id }]);
      expect(await ranOf(id)).toMatchObject({ status: 'SUCCESS', attempts: 1 });
    }
  });

  test('is reported as early with an Idempotency-Key as without one', { timeout: 60_000 }, async () => {
    const timed = async (headers: Record<string, string>) => {
      const startedAt = performance.now();
      const { status } = await post(OWN, headers);
      return { status, tookInMs: performance.now() - startedAt };
    };
    sequent.server.pause();
    const [without, withKey] = await Promise.all([timed({}), timed({ 'idempotency-key': 'order-of-an-outage' })]);
    // The look-up of the key is not answered, so nothing is published with the key.
    expect([without.status, withKey.status]).toEqual([504, 503]);
    expect(withKey.tookInMs).toBeLessThan(1.5 * without.tookInMs);
  });

  test('because the server was killed is checked again, and is 202 if another server stored it', async () => {
    const postMany = () => Promise.all(Array.from({ length: 20 }, () => post(VENDOR)));
    const before = await postMany();
    expect(before.map(({ status }) => status)).toEqual(Array(20).fill(202));
    sequent.server.pause();
    const pending = postMany();
    // The requests use the connections of the earlier ones, so most of them are published when the gateway answers these later requests.
    for (let times = 0; times < 3; times++) expect((await fetch(`${sequent.url}/healthz`)).status).toBe(200);
    await sequent.server.kill();
    await sequent.server.restart();
    const replies = await pending;
    const accepted = replies.filter(({ status }) => status === 202);
    expect(accepted.length).toBeGreaterThan(0);
    // The other requests arrived too late to be published and are refused: no outcome is unknown.
    for (const reply of replies.filter(({ status }) => status !== 202))
      expect([reply.status, await reply.json()]).toEqual([
        503,
        expect.objectContaining({ error_msg: expect.stringContaining('nothing was accepted') }),
      ]);
    for (const reply of [...before, ...accepted])
      expect(await ranOf(((await reply.json()) as { request_id: string }).request_id)).toMatchObject({ status: 'SUCCESS', attempts: 1 });
  });
});
