import { expect } from 'vitest';
import { cloneRepository, npmStart, npxSequent } from '#test/support/cli/processes/npm-start.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';

function durationIn(found: RegExpExecArray | null): number {
  return Number(found?.[1]) * (found?.[2] === 's' ? 1_000 : 1);
}

test('a fresh clone runs its first function within a minute, and its second start is faster', {
  timeout: 180_000,
}, async ({ folder }) => {
  await cloneRepository(folder);
  const cloned = performance.now();
  const first = await npmStart({ folder });
  const stdout = await npxSequent({ folder }, ['invoke', 'hello', '-d', '{"name":"Ada"}', '--wait']);
  const firstInMs = performance.now() - cloned;
  expect(first.said).toMatch(/\(nats-server \d+\.\d+\.\d+, process \d+\)/);
  const ownInMs = durationIn(/Sequent started in ([\d.]+) (m?s)/.exec(first.said));
  expect(await first.stop()).toBe(0);
  const second = await npmStart({ folder });
  expect(await second.stop()).toBe(0);
  process.stdout.write(
    `fresh clone: first invocation after ${Math.round(firstInMs)} ms, of which Sequent's own start ${ownInMs} ms; second start ${Math.round(second.readyInMs)} ms\n`,
  );

  expect(JSON.parse(stdout)).toMatchObject({ greeting: 'Hello, Ada!' });
  expect(firstInMs).toBeLessThan(60_000);
  // Each start takes under 3 s on a quiet machine.
  expect(ownInMs).toBeLessThan(9_000);
  expect(second.readyInMs).toBeLessThan(9_000);
  expect(second.readyInMs).toBeLessThan(first.readyInMs);
});
