import { expect, test } from 'vitest';
import type { FunctionName } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { Journal } from '#src/judge/collect.ts';
import { findConsumer } from '#src/nats/transport/streams/consumers.ts';
import { workConsumer } from '#src/nats/wire/topology.ts';
import { judgeServer } from '#test/judge/read-server.ts';
import { type SequentProcess, startScript } from '#test/support/cli/processes/sequent-process.ts';
import { startDeliveringSystem } from '#test/support/destinations/delivering-system.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';
import { createSeededRandom, seedOfRun } from '#test/support/seeded-random.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const FUNCTIONS = 1_000;
/** `npm run soak:turns` takes two minutes. */
const SECONDS = Number(process.env.SEQUENT_TURN_SECONDS ?? 30);
const PER_SECOND = 40;
const ENOUGH_REMOVED = SECONDS / 2;
/** A killed process is followed by the next one, which lives for so long at most. */
const LONGEST_LIFE_IN_MS = 8_000;
const script = new URL('../../support/worker/turning-process.ts', import.meta.url).pathname;

test('1,000 functions that become idle and busy in turns lose nothing under kills', { timeout: (SECONDS + 400) * 1_000 }, async () => {
  const seed = seedOfRun();
  const random = createSeededRandom(seed);
  await using sequent = await startDeliveringSystem({}, {}, 'scheduler,destinations');
  const { client, log, server } = sequent;
  const names = Array.from({ length: FUNCTIONS }, (_, number) => `turn${number}`);
  for (let from = 0; from < FUNCTIONS; from += 50)
    await Promise.all(names.slice(from, from + 50).map((name) => client.functions.put({ name, handler: { kind: 'inline' } })));
  await using nats = await openNats(server.url);
  let open: ReadonlySet<string> = new Set();
  let [most, removed] = [0, 0];
  const sent: { name: string; id: string }[] = [];
  let isOver = false;
  let killed = 0;

  /** Two of each kind run, and are killed at any moment. The last one survives. */
  async function killRepeatedly(kind: 'worker' | 'remover'): Promise<SequentProcess> {
    for (;;) {
      const started = await startScript(script, [kind, server.url]);
      await systemClock.sleep(random() * LONGEST_LIFE_IN_MS);
      if (isOver) return started;
      await started.signal('SIGKILL');
      killed++;
    }
  }

  async function send(): Promise<void> {
    const startedAt = performance.now();
    // A busy machine gives the removers less of a processor, so that the turns last longer.
    const isLongEnough = (seconds: number): boolean => seconds > 4 * SECONDS || (seconds > SECONDS && removed > ENOUGH_REMOVED);
    while (!isLongEnough((performance.now() - startedAt) / 1_000)) {
      for (let count = 0; count < PER_SECOND; count++) {
        const name = names[Math.floor(random() * FUNCTIONS)] ?? '';
        sent.push({ name, id: (await client.invoke(name, {})).requestId });
      }
      await systemClock.sleep(1_000);
      const listed = await nats.ports.workConsumers.list();
      for (const name of open) if (!listed.has(name as FunctionName)) removed++;
      most = Math.max(most, listed.size);
      open = listed;
    }
    isOver = true;
  }

  const killing = Promise.all((['worker', 'worker', 'remover', 'remover'] as const).map(killRepeatedly));
  await send();
  const survivors = await killing;
  await log.untilNotified(sent.map(({ id }) => id));
  // The removers leave no consumer of an idle function behind.
  await expect.poll(() => openConsumers(nats), { timeout: 60_000, interval: 500 }).toEqual([]);
  for (const one of survivors) await one[Symbol.asyncDispose]();
  const { facts, problems } = await foldWholeLog(log.ports.log);
  process.stdout.write(
    `idle and busy in turns: seed ${seed}, ${killed} kills, ${sent.length} invocations of ${FUNCTIONS} functions, at most ${most} consumers, ${removed} removed\n`,
  );

  const journal = new Journal();
  for (const { name, id } of sent) journal.acknowledged(name, [id]);
  expect(await judgeServer(server.url, { client: journal.ops, isOver: true }), INVARIANT).toEqual([]);
  expect(problems, INVARIANT).toEqual([]);
  expect([...facts.keys()].sort()).toEqual(sent.map(({ id }) => id).sort());
  expect(
    [...facts].flatMap(([id, life]) => findLifeProblems(id, life)),
    INVARIANT,
  ).toEqual([]);
  // Consumers were removed all the time, and not at the end alone.
  expect(removed).toBeGreaterThan(ENOUGH_REMOVED);
  expect(killed).toBeGreaterThan(SECONDS / 10);
});

/** The open consumers in words, with what keeps each open. */
async function openConsumers({ ports: { workConsumers }, connection }: OpenedNats): Promise<string[]> {
  const found = [...(await workConsumers.list())].slice(0, 20).map(async (name) => {
    const newest = await workConsumers.newestItem(name);
    const info = await findConsumer(connection.manager, workConsumer(name));
    if (info === undefined) return [];
    const { ack_floor, delivered, num_ack_pending, num_pending, num_redelivered, num_waiting } = info;
    const state = {
      floor: ack_floor.stream_seq,
      delivered: delivered.stream_seq,
      num_ack_pending,
      num_pending,
      num_redelivered,
      num_waiting,
    };
    return [`${name}: newest item ${newest}, ${JSON.stringify(state)}`];
  });
  return (await Promise.all(found)).flat();
}
