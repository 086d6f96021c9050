import { join } from 'node:path';
import { expect, vi } from 'vitest';
import type { FactOf } from '#machines/facts.ts';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { Journal } from '#src/judge/collect.ts';
import { openNatsPorts } from '#src/nats/ports.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { judgeServer } from '#test/judge/read-server.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const BATCHES = 5;
const MEMBERS = 40;
const ROUNDS_OF_KILLS = 4;

const file = new URL('../../support/e2e/functions.mjs', import.meta.url).pathname;
const urn = 'urn:fss:local:default:function:default:collect';

/** Opens a batch, sends its members, one of them twice, and seals the batch. */
async function sendBatch(client: SequentClient, id: string): Promise<void> {
  const onComplete = [{ destination: 'FunctionGraph', param: { func_urn: urn } }];
  const request = await client.batches.open({ function: 'member', id, onComplete });
  const send = (n: number) => client.invokeText('member', `{"n":${n}}`, { id: `${id}-${n}`, batch: id });
  await Promise.all(Array.from({ length: MEMBERS }, (_, n) => send(n)));
  await send(0);
  await client.batches.seal({ function: 'member', id, request });
}

test(`${BATCHES} batches are told once each, while schedulers and deliverers are killed`, { timeout: 300_000 }, async ({
  server,
  folder,
}) => {
  const env = { NATS_URL: server.url, SEQUENT_LEASE_MS: '1500', SEQUENT_PATIENCE_MS: '1000', SEQUENT_DATA: join(folder, 'data') };
  const roles = ['scheduler', 'scheduler', 'destinations', 'destinations', 'worker', 'projection'];
  const processes: SequentProcess[] = await Promise.all(roles.map((role) => startSequent(['--role', role], env)));
  await using client = await connectClient({ servers: server.url });
  const backoff = { initialInMs: 300, factor: 1, maxInMs: 300, jitter: 0 };
  await client.functions.put({ name: 'member', handler: { kind: 'process', file, export: 'second' }, policy: { maxRetries: 3, backoff } });
  await client.functions.put({ name: 'collect', handler: { kind: 'process', file, export: 'slowly' } });

  const ids = Array.from({ length: BATCHES }, (_, n) => `batch-${n}`);
  const sending = (async () => {
    for (const id of ids) await sendBatch(client, id);
  })();
  for (let round = 0; round < ROUNDS_OF_KILLS; round++) {
    // One scheduler and one deliverer of each pair in turn, so that each kill may hit the process that acts.
    for (const victim of [round % 2, 2 + (round % 2)]) {
      await processes[victim]?.signal('SIGKILL');
      processes[victim] = await startSequent(['--role', roles[victim] ?? ''], env);
    }
  }
  await sending;

  await vi.waitFor(
    async () => {
      const { batches } = await client.history.batches({ function: 'member' });
      expect(batches.map(({ state }) => state)).toEqual(ids.map(() => 'notified'));
      const { count } = await client.history.count({ function: 'collect', state: ['notified'] });
      expect(count).toBe(BATCHES);
    },
    { timeout: 180_000, interval: 500 },
  );

  const journal = new Journal();
  journal.acknowledged(
    'member',
    ids.flatMap((id) => Array.from({ length: MEMBERS }, (_, n) => `${id}-${n}`)),
  );
  expect(await judgeServer(server.url, { client: journal.ops, isOver: true }), INVARIANT).toEqual([]);
  const connection = await openConnection({ servers: server.url });
  const ports = await openNatsPorts(connection, { leaseInMs: 1_500 });
  const { invocations, facts, problems } = await foldWholeLog(ports.log);
  expect(problems, INVARIANT).toEqual([]);
  expect(
    [...facts].flatMap(([id, life]) => findLifeProblems(id, life)),
    INVARIANT,
  ).toEqual([]);
  const collected = [...invocations.values()].filter(({ context: { request } }) => request?.function === 'collect');
  expect(collected).toHaveLength(BATCHES);
  const outcomes = [...facts.values()]
    .flat()
    .filter((fact): fact is FactOf<'succeeded'> => fact.type === 'succeeded' && fact.attempt === 0);
  const told = outcomes.map(({ payload }) => JSON.parse(payload) as { batch: string; members: number; counts: object });
  expect(told.map(({ batch }) => batch).sort()).toEqual(ids);
  for (const { members, counts } of told) expect([members, counts]).toEqual([MEMBERS, { SUCCESS: MEMBERS, FAIL: 0, DISCARD: 0 }]);
  ports.close();
  await connection.close();
  for (const one of processes) await one[Symbol.asyncDispose]();
});
