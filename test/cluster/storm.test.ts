import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { isReplicable } from '#src/nats/replicas/replicable.ts';
import { runStorm } from '#test/support/cluster/storm.ts';

const say = (line: string): void => void process.stdout.write(`storm: ${line}\n`);
const seed = Number(process.env.SEQUENT_STORM_SEED ?? Date.now() % 1_000_000);

test(`every acknowledged request has one outcome after a storm on three servers, seed ${seed}`, async ({ skip }) => {
  const { bin, version } = await ensureServer();
  if (!isReplicable(version)) {
    say(`skipped: Sequent refuses several replicas on nats-server ${version}, because they can differ after failures`);
    skip();
  }
  const folder = await mkdtemp(join(tmpdir(), 'sequent-storm-'));
  const { problems, acknowledged, faults } = await runStorm({ seed, seconds: 16, perSecond: 60, bin, folder, say });
  expect(problems).toEqual([]);
  expect(acknowledged).toBeGreaterThan(200);
  expect(faults).toBeGreaterThanOrEqual(2);
  await rm(folder, { recursive: true });
});
