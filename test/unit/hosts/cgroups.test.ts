import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Cgroups, inCgroup, openCgroups } from '#src/hosts/isolation/cgroups.ts';
import { findOwnCgroup } from '#src/hosts/isolation/own-cgroup.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';

const mountedAt = (at: string, root = '/') => `30 24 0:26 ${root} ${at} rw,nosuid - cgroup2 cgroup2 rw\n`;
const ownOf = (path: string, mounts = mountedAt('/sys/fs/cgroup')) => findOwnCgroup({ cgroup: `0::${path}\n`, mounts });

describe('the own cgroup of a process', () => {
  test('is found in a container, in a service of systemd, and beside version 1', () => {
    expect(ownOf('/')).toEqual({ folder: '/sys/fs/cgroup/' });
    expect(ownOf('/system.slice/sequent.service')).toEqual({ folder: '/sys/fs/cgroup/system.slice/sequent.service' });
    expect(ownOf('/docker/1', mountedAt('/sys/fs/cgroup', '/docker'))).toEqual({ folder: '/sys/fs/cgroup/1' });
    const hybrid = '12:memory:/a\n0::/b\n';
    expect(findOwnCgroup({ cgroup: hybrid, mounts: mountedAt('/sys/fs/cgroup/unified') })).toEqual({ folder: '/sys/fs/cgroup/unified/b' });
  });

  test('is the group above for a process that was moved into the group of the program', () => {
    expect(ownOf('/system.slice/sequent.service/sequent')).toEqual({ folder: '/sys/fs/cgroup/system.slice/sequent.service' });
  });

  test('is not used without version 2, and in a login session, which systemd manages', () => {
    expect(findOwnCgroup({ cgroup: '4:memory:/a\n', mounts: '' })).toEqual({ why: 'cgroup v2 is not mounted' });
    expect(ownOf('/user.slice/user-1000.slice/session-2.scope')).toEqual({ why: expect.stringContaining('login session') });
  });
});

/** A folder with the files of a cgroup. It is no cgroup: the kernel enforces nothing in it. */
function fakeCgroup(folder: string, files: Record<string, string> = {}): string {
  const all = { 'cgroup.controllers': 'cpu memory pids\n', 'cgroup.subtree_control': '', 'cgroup.procs': `${process.pid}\n`, ...files };
  for (const [name, content] of Object.entries(all)) writeFileSync(join(folder, name), content);
  return folder;
}

function opened(folder: string): Cgroups {
  const result = openCgroups(folder);
  if ('why' in result) throw new Error(result.why);
  return result.cgroups;
}

describe('the groups of function processes', () => {
  test('have limits after the own processes were moved into a group of their own', ({ folder }) => {
    const cgroups = opened(fakeCgroup(folder));
    expect(readFileSync(join(folder, 'sequent/cgroup.procs'), 'utf8')).toBe(String(process.pid));
    expect(readFileSync(join(folder, 'cgroup.subtree_control'), 'utf8')).toBe('+memory +pids');
    const group = cgroups.create({ memoryInMb: 224, maxTasks: 1_024 });
    const limits = ['memory.max', 'memory.swap.max', 'memory.oom.group', 'pids.max'];
    expect(limits.map((file) => readFileSync(join(group.folder, file), 'utf8'))).toEqual(['234881024', '0', '1', '1024']);
    expect(inCgroup(group, ['node', 'child.mjs'])).toEqual({
      command: 'sh',
      args: ['-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', group.folder, 'node', 'child.mjs'],
    });
  });

  test('count their processes, and the times that the kernel ended them for their memory', ({ folder }) => {
    const group = opened(fakeCgroup(folder)).create({ memoryInMb: 1, maxTasks: 1 });
    expect([group.processes, group.memoryKills]).toEqual([0, 0]);
    writeFileSync(join(group.folder, 'cgroup.procs'), '11\n12\n');
    writeFileSync(join(group.folder, 'memory.events'), 'max 7\noom 1\noom_kill 3\n');
    expect([group.processes, group.memoryKills]).toEqual([2, 3]);
  });

  test('are not made beside processes of another program, without the controllers, or in a missing group', ({ folder }) => {
    expect(openCgroups(fakeCgroup(folder, { 'cgroup.procs': `${process.pid}\n2147483646\n` }))).toEqual({
      why: `the cgroup ${folder} holds the process 2147483646 of another program`,
    });
    expect(readdirSync(folder)).not.toContain('sequent');
    expect(openCgroups(fakeCgroup(folder, { 'cgroup.controllers': 'hugetlb memory' }))).toEqual({
      why: `the cgroup ${folder} has no controller pids`,
    });
    expect(openCgroups(join(folder, 'absent'), { controllers: [] })).toEqual({ why: expect.stringContaining('cannot be used: ENOENT') });
  });

  test('of a worker that was killed are removed by the next worker', ({ folder }) => {
    fakeCgroup(folder);
    for (const pid of [2_147_483_646, process.ppid]) mkdirSync(join(folder, `sequent-fn-${pid}-1`));
    opened(folder);
    expect(readFileSync(join(folder, 'sequent-fn-2147483646-1/cgroup.kill'), 'utf8')).toBe('1');
    expect(readdirSync(join(folder, `sequent-fn-${process.ppid}-1`))).toEqual([]);
  });
});
