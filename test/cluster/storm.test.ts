import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { isReplicable } from '#src/nats/replicas/replicable.ts';
import { runStorm } from '#test/support/cluster/storm.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';
import { seedOfRun } from '#test/support/seeded-random.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const say = (line: string): void => void process.stdout.write(`storm: ${line}\n`);

test('every acknowledged request has one outcome after a storm on three servers', async ({ skip }) => {
  const { bin, version } = await ensureServer();
  if (!isReplicable(version)) {
    say(`skipped: Sequent refuses several replicas on nats-server ${version}, because they can differ after failures`);
    skip();
  }
  const folder = await mkdtemp(join(tmpdir(), 'sequent-storm-'));
  const { problems, acknowledged, faults } = await runStorm({ seed: seedOfRun(), seconds: 16, perSecond: 60, bin, folder, say });
  expect(
    problems.filter((problem) => /^(?:judge|specification): /.test(problem)),
    INVARIANT,
  ).toEqual([]);
  expect(problems).toEqual([]);
  expect(acknowledged).toBeGreaterThan(200);
  expect(faults).toBeGreaterThanOrEqual(2);
  await removeDataFolder(folder);
});
