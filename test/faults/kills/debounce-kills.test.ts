import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { Journal } from '#src/judge/collect.ts';
import { judgeServer } from '#test/judge/read-server.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';
import { findGroupProblems } from '#test/support/log/debounced-groups.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { watchLog } from '#test/support/log/log-watch.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const KEYS = 20;
const EACH = 12;
const KILLS = 4;
const WITHIN_MS = 240_000;
const handlerFile = new URL('../../support/e2e/gathers.mjs', import.meta.url).pathname;

test('every debounced request runs in a group while workers and schedulers are killed', { timeout: WITHIN_MS * 2 }, async ({
  server,
  folder,
}) => {
  const env = { NATS_URL: server.url, SEQUENT_LEASE_MS: '1500', SEQUENT_PATIENCE_MS: '1500' };
  const start = (role: string) => startSequent(['--role', role], env);
  const processes = await Promise.all(
    ['worker', 'scheduler', 'worker', 'scheduler'].map(async (role) => ({ role, process: await start(role) })),
  );
  await using client = await connectClient({ servers: server.url });
  await using log = await watchLog(server.url);
  await client.functions.put({
    name: 'gathers',
    handler: { kind: 'process', file: handlerFile },
    flow: { key: '$.key', debounce: { wait: '700ms', maxWait: '3s', keep: 'all' } },
    policy: { maxRetries: 3, maxAgeInSeconds: 86_400 },
  });
  const file = join(folder, 'ran.jsonl');
  const ids: string[] = [];
  const isOver = (id: string): boolean => log.facts.get(id)?.some(({ type }) => type === 'succeeded' || type === 'failed') ?? false;
  for (let number = 0; number < EACH; number++) {
    const events = Array.from({ length: KEYS }, (_, key) => ({ key: `key-${key}`, number: number * KEYS + key, file }));
    ids.push(...(await client.invokeMany('gathers', events)).map(({ requestId }) => requestId));
    const killed = number % (EACH / KILLS) === 1 ? processes[Math.floor(number / (EACH / KILLS)) % processes.length] : undefined;
    await killed?.process.signal('SIGKILL');
    if (killed !== undefined) killed.process = await start(killed.role);
  }
  await expect.poll(() => ids.filter((id) => !isOver(id)).length, { timeout: WITHIN_MS, interval: 200 }).toBe(0);
  await log.untilNotified(ids);

  const journal = new Journal();
  journal.acknowledged('gathers', ids);
  expect(await judgeServer(server.url, { client: journal.ops, isOver: true }), INVARIANT).toEqual([]);
  const { facts, problems } = await foldWholeLog(log.ports.log);
  expect(problems, INVARIANT).toEqual([]);
  expect(
    ids.flatMap((id) => findLifeProblems(id, facts.get(id) ?? [])),
    INVARIANT,
  ).toEqual([]);
  expect(findGroupProblems(facts)).toEqual([]);
  expect(ids.filter((id) => !facts.get(id)?.some(({ type }) => type === 'succeeded'))).toEqual([]);
  // An attempt whose worker died may have written its events, and the next one wrote the same.
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  const ran = lines.map((line) => JSON.parse(line) as { by: string; numbers: number[] });
  const byLeader = new Map(ran.map(({ by, numbers }) => [by, numbers.join()]));
  expect(ran.filter(({ by, numbers }) => byLeader.get(by) !== numbers.join())).toEqual([]);
  const inGroups = [...byLeader.values()].flatMap((numbers) => numbers.split(',').map(Number));
  expect(inGroups.sort((one, other) => one - other)).toEqual(ids.map((_, number) => number));
  for (const { process: one } of processes) await one[Symbol.asyncDispose]();
});
