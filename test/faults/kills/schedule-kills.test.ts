import { expect, vi } from 'vitest';
import { isOutcome } from '#machines/facts.ts';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { Overlap } from '#src/core/schedules/schedule.ts';
import type { ScheduleState } from '#src/functions/schedule-states.ts';
import { judgeServer } from '#test/judge/read-server.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import type { OpenedNats } from '#test/support/nats/opened-nats.ts';
import { createSeededRandom, seedOfRun } from '#test/support/seeded-random.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const file = new URL('../../support/e2e/functions.mjs', import.meta.url).pathname;
const SCHEDULERS = 3;
const KILLS = 3;
/** A process starts within seconds, and on a loaded machine ten times as slowly. */
const timeout = 180_000;

/** What the log shows of the fire times of the schedule: their requests, and their outcomes by invocation. */
type Logged = { fires: { id: string; at: number; sequence: number }[]; ends: Map<string, { sequence: number; isCanceled: boolean }> };

async function readAll({ ports: { log } }: OpenedNats): Promise<Logged> {
  const entries: FullLogEntry[] = [];
  const [last, reading] = [await log.lastSequence(), new AbortController()];
  const onEntry = (entry: FullLogEntry): void => {
    entries.push(entry);
    if (entry.sequence >= last) reading.abort();
  };
  await log.followFully(1, onEntry, reading.signal);
  const fires = entries.flatMap((entry) =>
    entry.kind !== 'request'
      ? []
      : entry.message.requests.map(({ fact }) => ({ id: fact.invocation, at: fact.schedule?.at ?? 0, sequence: entry.sequence })),
  );
  const outcomes = entries.flatMap((entry) =>
    entry.kind !== 'append'
      ? []
      : entry.append.facts.filter(isOutcome).map((fact) => {
          const isCanceled = fact.type === 'failed' && fact.condition === 'InvocationCanceled';
          return [fact.invocation, { sequence: entry.sequence, isCanceled }] as const;
        }),
  );
  return { fires, ends: new Map(outcomes) };
}

type System = { server: TestServer; client: SequentClient };

/** Fires a schedule each second with three schedulers, of which one after another is killed, and pauses it then. */
async function fireAndKill(
  { server, client }: System,
  { overlap, handler }: { overlap: Overlap } & Pick<FunctionDefinitionInput, 'handler'>,
): Promise<ScheduleState> {
  const start = () => startSequent(['--role', 'scheduler'], { NATS_URL: server.url });
  const running = await Promise.all(Array.from({ length: SCHEDULERS }, start));
  try {
    await client.functions.put({ name: 'report', handler });
    await client.schedules.put({ name: 'often', cron: '* * * * * *', function: 'report', event: '{"ms":700}', overlap });
    const firedUpTo = async (): Promise<number> => (await client.schedules.get('often')).progress.at;
    const random = createSeededRandom(seedOfRun());
    for (let kill = 0; kill < KILLS; kill++) {
      const before = await firedUpTo();
      await vi.waitFor(async () => expect(await firedUpTo()).toBeGreaterThan(before), 60_000);
      const victim = Math.floor(random() * SCHEDULERS);
      await running[victim]?.signal('SIGKILL');
      running[victim] = await start();
    }
    await client.schedules.setPaused('often', true);
    // A scheduler that stops finishes what it fires.
    for (const scheduler of running) await scheduler.signal('SIGTERM');
    return await client.schedules.get('often');
  } finally {
    for (const scheduler of running) await scheduler[Symbol.asyncDispose]();
  }
}

/** The fire times from the creation of the schedule to its progress. */
function timesOf({ schedule, progress }: ScheduleState): number[] {
  const first = Math.ceil((schedule.createdAt + 1) / 1_000) * 1_000;
  return Array.from({ length: (progress.at - first) / 1_000 + 1 }, (_, index) => first + index * 1_000);
}

test('three schedulers of which one after another is killed request one invocation at each fire time', { timeout }, async ({
  server,
  nats,
}) => {
  await using client = await connectClient({ servers: server.url });
  // No worker runs, so the invocations stay open.
  const state = await fireAndKill({ server, client }, { overlap: 'allow', handler: { kind: 'inline' } });
  const { fires } = await readAll(nats);
  const upToPause = fires.filter(({ at }) => at <= state.progress.at);
  expect([...new Set(upToPause.map(({ at }) => at))].sort()).toEqual(timesOf(state));
  // One id for each fire time, whichever scheduler requested it.
  expect(new Set(fires.map(({ id }) => id)).size).toBe(new Set(fires.map(({ at }) => at)).size);
  expect(state.progress.fired).toBeGreaterThanOrEqual(KILLS);
});

test('killed schedulers with "cancel" end each invocation before the next, and lose no fire time', { timeout }, async ({
  server,
  nats,
}) => {
  await using client = await connectClient({ servers: server.url });
  // A worker ends some of the attempts before they are cancelled.
  await using _worker = await startSequent(['--role', 'worker'], { NATS_URL: server.url });
  const state = await fireAndKill({ server, client }, { overlap: 'cancel', handler: { kind: 'process', file, export: 'slowly' } });
  expect(await judgeServer(server.url, { client: [] }), INVARIANT).toEqual([]);
  const { progress } = state;
  const { fires, ends } = await readAll(nats);
  expect(new Set(fires.map(({ at }) => at)).size).toBe(fires.length);
  expect(fires.map(({ at }) => at)).toEqual(fires.map(({ at }) => at).sort());
  for (const [index, { id }] of fires.entries()) {
    const next = fires[index + 1];
    if (next !== undefined) expect(ends.get(id)?.sequence).toBeLessThan(next.sequence);
    // No scheduler has cancelled the newest one.
    else expect(ends.get(id)?.isCanceled).not.toBe(true);
  }
  expect(progress).toMatchObject({ fired: fires.length, last: { id: fires.at(-1)?.id } });
  expect(progress.fired + (progress.skipped?.count ?? 0)).toBe(timesOf(state).length);
  expect(progress.fired).toBeGreaterThanOrEqual(KILLS);
});
