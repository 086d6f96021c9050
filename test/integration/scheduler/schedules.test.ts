import { expect, vi } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { startSequent } from '#test/support/cli/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';

const SCHEDULERS = 3;
const KILLS = 3;
/** A process starts within seconds, and on a loaded machine ten times as slowly. */
const timeout = 180_000;

test('three schedulers of which one after another is killed request one invocation at each fire time', { timeout }, async ({
  server,
  nats,
}) => {
  const start = () => startSequent(['--role', 'scheduler'], { NATS_URL: server.url });
  const running = await Promise.all(Array.from({ length: SCHEDULERS }, start));
  try {
    await using client = await connectClient({ servers: server.url });
    await client.functions.put({ name: 'report', handler: { kind: 'inline' } });
    // No worker runs, so the invocations stay open.
    const stored = await client.schedules.put({ name: 'often', cron: '* * * * * *', function: 'report', overlap: 'allow' });
    const firedUpTo = async (): Promise<number> => (await client.schedules.get('often')).progress.at;
    for (let kill = 0; kill < KILLS; kill++) {
      const before = await firedUpTo();
      await vi.waitFor(async () => expect(await firedUpTo()).toBeGreaterThan(before), 60_000);
      const victim = Math.floor(Math.random() * SCHEDULERS);
      await running[victim]?.signal('SIGKILL');
      running[victim] = await start();
    }
    await client.schedules.setPaused('often', true);
    const { progress } = await client.schedules.get('often');
    const last = await client.lastSequence();
    const fired: { id: string; at: number }[] = [];
    const reading = new AbortController();
    await nats.ports.log.followFully(
      1,
      (entry) => {
        if (entry.kind === 'request')
          for (const { fact } of entry.message.requests) fired.push({ id: fact.invocation, at: fact.schedule?.at ?? 0 });
        if (entry.sequence >= last) reading.abort();
      },
      reading.signal,
    );
    const first = Math.ceil((stored.schedule.since + 1) / 1_000) * 1_000;
    const wanted = Array.from({ length: (progress.at - first) / 1_000 + 1 }, (_, index) => first + index * 1_000);
    const upToPause = fired.filter(({ at }) => at <= progress.at);
    expect([...new Set(upToPause.map(({ at }) => at))].sort()).toEqual(wanted);
    // One id for each fire time, whichever scheduler requested it.
    expect(new Set(fired.map(({ id }) => id)).size).toBe(new Set(fired.map(({ at }) => at)).size);
    expect(progress.fired).toBeGreaterThanOrEqual(KILLS);
  } finally {
    for (const scheduler of running) await scheduler[Symbol.asyncDispose]();
  }
});
