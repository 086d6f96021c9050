import { headers } from 'nats';
import { describe, expect, vi } from 'vitest';
import type { RoleInstance } from '#src/core/ports/questions/role-instances.ts';
import { FAILURES_UNTIL_OPEN } from '#src/destinations/limits/circuit-breaker.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { runCliOn } from '#test/support/cli/cli.ts';
import { receiverConnection, toHttp } from '#test/support/destinations/delivering-system.ts';
import { answer, type Receiver } from '#test/support/destinations/receiver.ts';
import { receiverTest } from '#test/support/destinations/receiver-test.ts';
import { closeLater } from '#test/support/folder-fixture.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { type RunningSequent, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';

const test = receiverTest(answer(503)).extend('sequent', { scope: 'file' }, ({ receiver }, scope) =>
  closeLater(startSequent({ connections: { receiver: receiverConnection(receiver, { secret: undefined }) } }), scope),
);
/** The longest time until a process is known. */
const PATIENCE = { timeout: 40_000 };
let receiver: Receiver;
let sequent: RunningSequent;
let target: string;
let inWords: RegExp;

/** The target answers 503 for ever, so its circuit opens once and never closes. */
test.beforeAll(async ({ receiver: ownReceiver, sequent: own }) => {
  receiver = ownReceiver;
  sequent = own;
  target = `HTTP ${receiver.url}`;
  inWords = new RegExp(
    `the circuit of ${target} for orders is (open until .*|half-open, .*); \\d+ failures in a row; last: .* answered 503`,
  );
  const policy = { onFailure: [toHttp(receiver.url)] };
  await sequent.roles.registry.put({ name: 'orders', handler: { kind: 'process', file: '/never.mjs' }, policy });
  await using connection = await openPublisher();
  // A payload that is not JSON is an outcome with deliveries, without an execution.
  for (let i = 0; i < FAILURES_UNTIL_OPEN; i++) {
    const named = headers();
    named.set('Request-Id', `order-${i}`);
    await connection.nats.jetstream().publish('invoke.orders', '{', { headers: named });
  }
  await eventually(async () => (await instances()).some(({ circuits = [] }) => circuits.length > 0));
});

async function openPublisher() {
  const connection = await openConnection({ servers: sequent.server.url });
  return { nats: connection.nats, [Symbol.asyncDispose]: () => connection.close() };
}

const instances = async (): Promise<RoleInstance[]> => await sequent.roles.ports.roleInstances.list();
const run = (...args: readonly string[]) => runCliOn(sequent.server.url, args);

describe('the circuit of a dead target', () => {
  test('is in the answer of its process about its roles, as long as it is not closed', async () => {
    // An answer that comes late counts as none.
    const circuits = async () => (await instances()).flatMap((instance) => instance.circuits);
    await expect.poll(circuits, PATIENCE).toEqual([
      {
        deliverer: expect.stringMatching(/^deliverer-/),
        function: 'orders',
        target,
        state: expect.stringMatching(/^(open|half-open)$/),
        openUntil: expect.any(Number),
        failures: expect.any(Number),
        reason: expect.stringContaining('answered 503'),
      },
    ]);
  });

  test('is in /api/system and in the metrics of its project, and in those of no other project', async () => {
    const read = async (path: string, given = {}) => await (await sequent.call('GET', path, { headers: given })).text();
    const circuits = async () => (JSON.parse(await read('/api/system')) as { circuits: object[] }).circuits;
    await expect.poll(circuits, PATIENCE).toMatchObject([{ function: 'orders', target, in_words: expect.stringMatching(inWords) }]);
    await eventually(async () => (await read('/metrics')).includes(`sequent_circuits{function="orders",target="${target}",state="`));
    const stranger = { 'x-auth-token': STRANGER.token };
    expect(JSON.parse(await read('/api/system', stranger))).toMatchObject({ circuits: [] });
    expect(await read('/metrics', stranger)).not.toContain('sequent_circuits{');
  });

  test('is listed by dest ls, and is a problem of the doctor with its remedy', { timeout: 120_000 }, async () => {
    const list = async (): Promise<void> => {
      expect(JSON.parse((await run('dest', 'ls', '--json')).stdout)).toMatchObject([
        { function: 'orders', target, processes: 1, inWords: expect.stringMatching(inWords) },
      ]);
    };
    const examine = async (): Promise<void> => {
      const { code, stdout } = await run('doctor');
      expect([code, stdout]).toEqual([1, expect.stringMatching(inWords)]);
      expect(stdout).toContain('try: repair the target');
    };
    const others = run('dest', 'ls', '--function', 'billing');
    await Promise.all([vi.waitFor(list, PATIENCE), vi.waitFor(examine, PATIENCE)]);
    const { code, stdout, stderr } = await others;
    expect([code, stdout, stderr]).toEqual([0, '', 'no circuit is open\n']);
  });
});
