import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findOwnCgroup } from '#src/hosts/isolation/own-cgroup.ts';
import { enterOwnScope } from '#src/hosts/isolation/own-scope.ts';

/*
 * A machine for tests has no systemd. A program in its place records how it was called, and does to the cgroups of the kernel what the manager
 * would do: it makes a group for the scope, and moves the process into it.
 */

const contentOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'latin1') : '');
const own = findOwnCgroup({ cgroup: contentOf('/proc/self/cgroup'), mounts: contentOf('/proc/self/mountinfo') });
const module = new URL('../../../../src/hosts/isolation/', import.meta.url).href;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sequent-scope-'));
  mkdirSync(join(folder, 'systemd'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program in the place of `busctl`, with a script of a shell that has the scope in `$8` and the process in `${14}`. */
function managerWith(script: string): string {
  const command = join(folder, 'busctl');
  writeFileSync(command, `#!/bin/sh\nprintf '%s\\n' "$@" >"${folder}/asked"\n${script}\n`);
  chmodSync(command, 0o755);
  return command;
}

function makesGroups(): boolean {
  if (!('folder' in own)) return false;
  const trial = join(own.folder, `sequent-trial-${process.pid}`);
  try {
    mkdirSync(trial);
    rmdirSync(trial);
    return true;
  } catch {
    return false;
  }
}

describe('the scope of a worker', () => {
  test('is asked of the manager of the user, with the right to make groups below it', async () => {
    const command = managerWith('exit 1');
    const options = { command, env: { ...process.env, XDG_RUNTIME_DIR: folder }, isRoot: false, pid: 4_711 };
    expect(await enterOwnScope(options)).toMatch(/^systemd gave no scope: /);
    expect(contentOf(join(folder, 'asked')).split('\n').slice(0, -1).join(' ')).toBe(
      '--user call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager StartTransientUnit ssa(sv)a(sa(sv)) sequent-4711.scope fail 2 PIDs au 1 4711 Delegate b true 0',
    );
  });

  test('does not exist where no manager runs, or where the manager moves nothing', async () => {
    expect(await enterOwnScope({ env: {}, isRoot: false })).toBe('there is no manager of systemd for this user');
    const options = { command: managerWith('exit 0'), env: { ...process.env, XDG_RUNTIME_DIR: folder }, isRoot: false };
    expect(await enterOwnScope(options)).toBe(`systemd did not move this process into sequent-${process.pid}.scope`);
  });

  test.skipIf(!makesGroups())(
    'holds the process and no other one, so that groups of functions can be made in it',
    { timeout: 60_000 },
    () => {
      const parent = 'folder' in own ? own.folder : '';
      const command = managerWith(`mkdir "${parent}/$8" && echo "\${14}" >"${parent}/$8/cgroup.procs"`);
      const program = `
import { readFileSync } from 'node:fs';
import { enterOwnScope } from '${module}own-scope.ts';
import { findOwnCgroup } from '${module}own-cgroup.ts';
import { openCgroups } from '${module}cgroups.ts';
const entered = await enterOwnScope({ command: ${JSON.stringify(command)}, isRoot: false });
const found = findOwnCgroup({ cgroup: readFileSync('/proc/self/cgroup', 'latin1'), mounts: readFileSync('/proc/self/mountinfo', 'latin1') });
const opened = openCgroups(found.folder, { controllers: [] });
const group = opened.cgroups.create({ memoryInMb: 64, maxTasks: 8 });
console.log(JSON.stringify({ entered, folder: found.folder, pid: process.pid, group: group.folder }));
await group.remove();`;
      const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
        encoding: 'utf8',
        env: { ...process.env, XDG_RUNTIME_DIR: folder },
      });
      const { entered, pid, group, folder: scope } = JSON.parse(stdout || JSON.stringify({ entered: stderr }));
      expect({ entered, scope }).toEqual({ entered: true, scope: join(parent, `sequent-${pid}.scope`) });
      expect(group).toBe(join(scope, `sequent-fn-${pid}-1`));
      rmdirSync(scope);
    },
  );
});
