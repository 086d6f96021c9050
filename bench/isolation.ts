import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probeAbilities } from '#src/hosts/isolation/probe.ts';
import { execute } from '#test/support/hosts/executions.ts';
import { attack, openSandboxedHost } from '#test/support/hosts/sandboxed-host.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:isolation [executions] [rounds]
 *
 * Compares executions of a short function in an isolated process with those in a process that is not isolated. The rounds alternate, and
 * the fastest of each kind counts, because other load of the machine only adds time. Ends with 1 when isolation costs over 3 %.
 */

const [executions = 20_000, rounds = 7] = process.argv.slice(2).map(Number);
const abilities = await probeAbilities(100_000);
const folder = await mkdtemp(join(tmpdir(), 'sequent-isolation-'));
await chmod(folder, 0o711);
const hosts = {
  isolated: openSandboxedHost({ mode: 'require', abilities, folder: join(folder, 'isolated') }),
  plain: openSandboxedHost({ mode: 'none', abilities, folder: join(folder, 'plain') }),
};
const definition = attack('nothing', { concurrency: 1 });
const best = { isolated: Number.POSITIVE_INFINITY, plain: Number.POSITIVE_INFINITY };
for (const host of Object.values(hosts)) await execute(host, definition);
for (let round = 0; round < rounds; round++)
  for (const kind of ['isolated', 'plain'] as const) best[kind] = Math.min(best[kind], await timeOf(kind));
for (const host of Object.values(hosts)) await host.close();
await rm(folder, { recursive: true });

const report = createReport();
for (const kind of ['isolated', 'plain'] as const) report.figure(`${kind}: time of an execution`, (best[kind] * 1_000) / executions, 'µs');
report.check('isolated / plain', best.isolated / best.plain, { max: 1.03 });
process.exitCode = report.print() ? 0 : 1;

/** In milliseconds. One hundred executions wait at any time. */
async function timeOf(kind: keyof typeof hosts): Promise<number> {
  const startedAt = performance.now();
  for (let sent = 0; sent < executions; sent += 100)
    for (const result of await Promise.all(Array.from({ length: 100 }, () => execute(hosts[kind], definition))))
      if (result.kind === 'failed') throw new Error(result.failure.message);
  return performance.now() - startedAt;
}
