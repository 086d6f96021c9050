import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { isReplicable } from '#src/nats/replicas/replicable.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { startCluster } from '#test/support/cluster/cluster.ts';
import { shortTimes } from '#test/support/fixtures.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';

const { bin, version } = await ensureServer();
const file = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;

describe.skipIf(!isReplicable(version))('a backup of one server', () => {
  test('is restored to a cluster with three replicas, and its open work goes on', async ({ folder }) => {
    const backup = join(folder, 'backup');
    await using cluster = await startCluster(bin, folder);
    {
      await using server = await startTestServer();
      const settings = { ...shortTimes, NATS_URL: server.url, SEQUENT_DATA: join(folder, 'data-1') };
      await using _ = await startSequent(['--http-port', '0'], settings);
      const client = await connectClient({ servers: server.url });
      await client.functions.put({ name: 'slowly', handler: { kind: 'process', file, export: 'slowly' } });
      await Promise.all(Array.from({ length: 20 }, async (_, i) => (await client.invoke('slowly', { i }, { id: `ended-${i}` })).result()));
      expect(await runCli(['fn', 'pause', 'slowly'], { env: settings })).toMatchObject({ code: 0 });
      await client.invoke('slowly', { i: 20 }, { id: 'open' });
      await client.close();
      expect(await runCli(['backup', backup], { env: settings })).toMatchObject({ code: 0 });
    }

    const settings = { ...shortTimes, NATS_URL: cluster.urls.join(','), SEQUENT_DATA: join(folder, 'data-3'), SEQUENT_REPLICAS: '3' };
    const run = (...args: string[]) => runCli(args, { env: settings });
    await expect.poll(() => run('restore', backup, '--replicas', '3'), { timeout: 90_000 }).toMatchObject({ code: 0 });
    await using _ = await startSequent(['--http-port', '0'], settings);
    await expect
      .poll(() => run('doctor', '--replicas'), { timeout: 90_000 })
      .toMatchObject({ stdout: expect.stringMatching(/replicas +equal/) });
    await expect.poll(() => run('verify'), { timeout: 60_000 }).toMatchObject({ code: 0 });
    await expect
      .poll(() => run('ls', 'slowly', '--state', 'notified', '-o', 'jsonl', '--all').then(({ stdout }) => endedIn(stdout)), {
        timeout: 60_000,
      })
      .toHaveLength(20);
    expect(await run('fn', 'resume', 'slowly')).toMatchObject({ code: 0 });
    expect(await run('result', 'open', '--timeout', '2m')).toMatchObject({ code: 0 });
  });
});

function endedIn(lines: string): string[] {
  return lines.split('\n').filter((line) => line.includes('"ended-'));
}
