import { expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { Journal } from '#src/judge/collect.ts';
import { judgeServer } from '#test/judge/read-server.ts';
import { type SequentProcess, startScript, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { type DeliveringSystem, startDeliveringSystem, toFunction } from '#test/support/destinations/delivering-system.ts';
import { firstChildOf } from '#test/support/log/child-id.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { createSeededRandom, seedOfRun } from '#test/support/seeded-random.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const WORKERS = 3;
/** The kills can be over sooner than this many are sent on a fast machine: sending goes on after them. */
const LEAST_CHAINS = 1_000;
/** More than the workers take at a time. Without a limit, a slow machine gets ever more to do while the kills wait for their moments. */
const MOST_OPEN_CHAINS = 400;
const file = new URL('../../support/destinations/functions.mjs', import.meta.url).pathname;
const ownWorker = new URL('../../support/destinations/own-worker.ts', import.meta.url).pathname;

/** The worker that is killed, how often at least in each of the three positions, and the roles that are never killed. */
type Victim = { handler: object; kills: number; start(sequent: DeliveringSystem): Promise<SequentProcess>; others: string };

/** Both kinds of worker deliver to functions themselves: the first try is claimed with the outcome. */
const victims: [string, Victim][] = [
  [
    "in the user's own process",
    {
      handler: { kind: 'inline' },
      kills: 4,
      start: ({ server }) => startScript(ownWorker, [server.url]),
      others: 'scheduler,destinations',
    },
  ],
  [
    'with a destinations role',
    {
      handler: { kind: 'process', file, export: 'obey' },
      kills: 2,
      start: ({ env }) => startSequent(['--role', 'worker,destinations'], env),
      others: 'scheduler',
    },
  ],
];

test.for(victims)('every invocation of a chain exists once after kills of a worker %s', { timeout: 300_000 }, async ([, victim]) => {
  const seed = seedOfRun();
  const random = createSeededRandom(seed);
  await using sequent = await startDeliveringSystem({}, {}, victim.others);
  const { client, log } = sequent;
  await client.functions.put({ name: 'second', handler: victim.handler, concurrency: 100 });
  await client.functions.put({
    name: 'first',
    handler: victim.handler,
    concurrency: 100,
    policy: { onSuccess: [toFunction('second')] },
  });

  const cutTries = (lives: Iterable<readonly Fact[]>): number =>
    [...lives].flat().filter((fact) => fact.type === 'delivery.failed' && fact.reason.includes('vanished')).length;
  let killed = 0;

  /**
   * Kills a worker after some of its tries, and starts another one, until a kill fell between an outcome and the result of its first try.
   * The last worker survives.
   */
  async function killRepeatedly(): Promise<SequentProcess> {
    for (let kills = 0; ; kills++) {
      const worker = await victim.start(sequent);
      if (kills >= victim.kills && cutTries(log.facts.values()) > 0) return worker;
      let tries = Math.floor(random() * 100);
      await log.until((fact) => fact.type === 'delivery.started' && fact.deliverer.includes(`-${worker.pid}-`) && tries-- === 0);
      await worker.signal('SIGKILL');
      killed++;
    }
  }

  /** Every 100 ms, or when few enough are open, sends five requests in streams of their own, and five that share streams. */
  async function sendUntil(end: Promise<unknown>): Promise<string[]> {
    const sent: Promise<{ requestId: string }[]>[] = [];
    let isOver = false;
    const ending = end.finally(() => {
      isOver = true;
    });
    const settled = async (): Promise<void> => {
      const early = await Promise.all(sent.slice(0, -MOST_OPEN_CHAINS / 5));
      await log.untilNotified(early.flat().map(({ requestId }) => requestId));
    };
    for (; !isOver || sent.length * 5 < LEAST_CHAINS; await Promise.race([Promise.all([systemClock.sleep(100), settled()]), ending])) {
      const events = Array.from({ length: 10 }, () => ({ ms: Math.floor(random() * 50) }));
      const own = events.slice(0, 5).map((event, index) => client.invoke('first', event, { id: `own-${sent.length}-${index}` }));
      sent.push(Promise.all(own), client.invokeMany('first', events.slice(5)));
    }
    return (await Promise.all(sent)).flat().map(({ requestId }) => requestId);
  }

  const startedAt = performance.now();
  const killing = Promise.all(Array.from({ length: WORKERS }, killRepeatedly));
  const roots = await sendUntil(killing);
  const survivors = await killing;
  const chaosInMs = Math.round(performance.now() - startedAt);
  const children = roots.map((id) => firstChildOf('first', id) as string);
  await log.untilNotified([...roots, ...children]);
  const tookInMs = Math.round(performance.now() - startedAt);

  const { invocations, facts, problems } = await foldWholeLog(log.ports.log);
  const verified = await sequent.run(['verify']);
  const lives = [...facts.values()];
  const cut = cutTries(lives);
  const lost = [...invocations.values()].reduce((sum, { context }) => sum + context.lost, 0);
  process.stdout.write(
    `killed in first tries: seed ${seed}, ${killed} kills in ${chaosInMs} ms, ${roots.length} chains whole after ${tookInMs} ms; ` +
      `${cut} tries and ${lost} attempts cut\n`,
  );
  for (const one of survivors) await one[Symbol.asyncDispose]();

  const journal = new Journal();
  journal.acknowledged('first', roots);
  expect(await judgeServer(sequent.server.url, { client: journal.ops, isOver: true }), INVARIANT).toEqual([]);
  expect(problems, INVARIANT).toEqual([]);
  expect(verified).toMatchObject({ code: 0, stderr: expect.stringContaining('no finding') });
  // The log holds every root and every child, each accepted once, and nothing else.
  expect([...facts.keys()].sort()).toEqual([...roots, ...children].sort());
  expect(
    lives.filter((life) => life.filter(({ type }) => type === 'queued').length !== 1),
    INVARIANT,
  ).toEqual([]);
  expect(
    [...facts].flatMap(([id, life]) => findLifeProblems(id, life)),
    INVARIANT,
  ).toEqual([]);
  expect(
    lives.filter((life) => life.filter(({ type }) => type === 'notified').length !== 1),
    INVARIANT,
  ).toEqual([]);
  expect([...invocations.values()].filter(({ context }) => context.outcome?.type !== 'succeeded')).toEqual([]);
  expect(lives.flat().filter(({ type }) => type === 'delivery.delivered')).toHaveLength(roots.length);
  expect(roots.length).toBeGreaterThanOrEqual(LEAST_CHAINS);
  // At least one kill fell between an outcome and the result of its first try.
  expect(cut).toBeGreaterThan(0);
});
