import { randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Cgroups, openCgroups } from '#src/hosts/isolation/cgroups.ts';
import { findOwnCgroup } from '#src/hosts/isolation/own-cgroup.ts';
import type { Abilities } from '#src/hosts/isolation/plan.ts';
import { execute, until } from '#test/support/hosts/executions.ts';
import { attack, openSandboxedHost, processesWith } from '#test/support/hosts/sandboxed-host.ts';

/*
 * Against the kernel, as far as this machine lets its tests make cgroups. Groups can be made without the controllers of memory and tasks;
 * the limits need the controllers.
 */

const contentOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'latin1') : '');
const own = findOwnCgroup({ cgroup: contentOf('/proc/self/cgroup'), mounts: contentOf('/proc/self/mountinfo') });
const folder = 'folder' in own ? own.folder : '';
const openedWith = (controllers?: readonly string[]): Cgroups | undefined => {
  const opened = openCgroups(folder, controllers === undefined ? {} : { controllers });
  return 'cgroups' in opened ? opened.cgroups : undefined;
};
const groups = openedWith([]);
const limited = openedWith();
/** Own processes are in the cgroup alone, without a sandbox. */
const abilities: Abilities = {
  isRoot: false,
  namespaces: 'not used in this test',
  otherUsers: 'not used in this test',
  filter: 'there is no sandbox',
};
const groupsOfThisProcess = (): string[] => readdirSync(folder).filter((name) => name.startsWith(`sequent-fn-${process.pid}-`));

describe.skipIf(groups === undefined)('a function process in a cgroup', () => {
  test('ends with every process that it left behind, and its group is removed', async () => {
    const marker = `98765${randomInt(1e9)}`;
    const host = openSandboxedHost({ mode: 'prefer', abilities, folder: undefined, cgroups: groups as Cgroups });
    expect(await execute(host, attack('leaveBehind'), { marker })).toMatchObject({ kind: 'returned' });
    await until(() => processesWith(marker) === 1, 'the process runs');
    expect(groupsOfThisProcess()).toHaveLength(1);
    await host.close();
    await until(() => processesWith(marker) === 0, 'the process is gone');
    await until(() => groupsOfThisProcess().length === 0, 'the group is gone');
  });
});

describe.skipIf(limited === undefined)('the limits of a cgroup', () => {
  test('end a function for the memory of a grandchild', async () => {
    const host = openSandboxedHost({ mode: 'prefer', abilities, folder: undefined, cgroups: limited as Cgroups });
    const result = await execute(host, attack('useMemoryBelow', { memoryInMb: 128 }), { megabytes: 400, marker: 'memory' });
    expect(result).toMatchObject({ kind: 'failed', failure: { errorType: 'MemoryLimitExceeded' } });
    await host.close();
  });
});
