import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import { type Cgroups, openCgroups } from '#src/hosts/isolation/cgroups.ts';
import { findOwnCgroup } from '#src/hosts/isolation/own-cgroup.ts';
import { probeAbilities } from '#src/hosts/isolation/probe.ts';
import { createProcessHost, type ProcessHost } from '#src/hosts/pool/process-host.ts';
import { execute, processFunction } from '#test/support/hosts/executions.ts';
import { attack, openSandboxedHost } from '#test/support/hosts/sandboxed-host.ts';

const abilities = await probeAbilities(100_000);
/** Groups without controllers: the kernel counts and pauses in each of them. */
function ownGroups(): Cgroups | undefined {
  const contentOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'latin1') : '');
  const own = findOwnCgroup({ cgroup: contentOf('/proc/self/cgroup'), mounts: contentOf('/proc/self/mountinfo') });
  const opened = 'folder' in own ? openCgroups(own.folder, { controllers: [] }) : own;
  return 'cgroups' in opened ? opened.cgroups : undefined;
}
const groups = ownGroups();

const PROCESSORS = 0.1;
const SPINS_FOR_MS = 4_000;
/** What may be used before the first check, and between two checks of a loaded machine. */
const BETWEEN_CHECKS_MS = 700;

let folder: string;
let host: ProcessHost | undefined;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sequent-processors-'));
  chmodSync(folder, 0o711);
});
afterEach(() => host?.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const numberOf = (result: ExecutionResult): number => {
  if (result.kind !== 'returned') throw new Error(result.failure.message);
  return Number(result.payload);
};
const allowedIn = (elapsedInMs: number): number => PROCESSORS * (elapsedInMs + 1_000) + BETWEEN_CHECKS_MS;

describe.each([
  { counted: 'from /proc', cgroups: undefined, available: true },
  { counted: 'by cgroups', cgroups: groups, available: groups !== undefined },
])('the processor time of a project, counted $counted', ({ cgroups, available }) => {
  test.skipIf(!available)('is within its budget over all of its functions, and no other project waits', { timeout: 60_000 }, async () => {
    const opened = createProcessHost({ cgroups, processorsOfProject: (project) => (project === 'shop' ? PROCESSORS : 64) });
    host = opened;
    const functions = ['shop=one', 'shop=two'].map((name) =>
      processFunction({ name, export: 'computeFor', concurrency: 2, timeoutInMs: 60_000 }),
    );
    const startedAt = performance.now();
    const spins = Promise.all(functions.flatMap((one) => [1, 2].map(() => execute(opened, one, { inMs: SPINS_FOR_MS }))));
    const others = await Promise.all([1, 2, 3].map(() => execute(opened, processFunction({ name: 'bank=pid', export: 'pid' }))));
    expect(others.map(numberOf)).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    const used = (await spins).reduce((sum, spin) => sum + numberOf(spin), 0);
    expect(used).toBeLessThan(allowedIn(performance.now() - startedAt));
    const use = opened.processorUse().find(({ project }) => project === 'shop');
    expect(use?.waitedInMs).toBeGreaterThan(1_000);
    expect(use?.hasWaited).toBe(true);
    expect(opened.processorUse().find(({ project }) => project === 'bank')?.waitedInMs).toBe(0);
  });
});

describe.skipIf(abilities.namespaces !== true)('the processor time of a sandbox', () => {
  test('has the time of processes that left their session and their parent', { timeout: 60_000 }, async () => {
    const opened = openSandboxedHost({ mode: 'require', abilities, folder, processorsOfProject: () => PROCESSORS });
    host = opened;
    // Each process prints its own processor time in milliseconds, to the output that the function waits for.
    const program = `use POSIX "setsid"; $| = 1;
for (1 .. 4) { next if fork; setsid; exit if fork; my $end = time + ${SPINS_FOR_MS / 1_000}; 1 while time < $end; my @used = times; print int(1000 * ($used[0] + $used[1])), " "; exit }`;
    const startedAt = performance.now();
    const result = await execute(opened, attack('program'), { command: 'perl', args: ['-e', program] });
    const { output } = JSON.parse(result.kind === 'returned' ? result.payload : '{"output":""}') as { output: string };
    const times = output.trim().split(' ').map(Number);
    expect(times).toHaveLength(4);
    expect(times.reduce((sum, time) => sum + time, 0)).toBeLessThan(allowedIn(performance.now() - startedAt));
  });
});
