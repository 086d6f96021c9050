import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { messageOf } from '#src/core/errors.ts';

type ScopeOptions = {
  /** The program of systemd that calls its manager over D-Bus. */
  command?: string;
  env?: Readonly<Record<string, string | undefined>>;
  isRoot?: boolean;
  pid?: number;
};

const ANSWER_WITHIN_MS = 5_000;
/** How long the manager may take to move the process, after it has answered. */
const MOVES_WITHIN_MS = 2_000;
const ASK_AGAIN_MS = 20;

/**
 * Asks systemd to move this process into a scope of its own whose cgroups it may write (`Delegate`), as `systemd-run --scope -p Delegate=yes`
 * does for a new process. An ordinary user asks the manager of the user, and root that of the system. Returns why that is not possible otherwise.
 *
 * The scope ends with its last process. Processes that were started before stay in the group before.
 */
export async function enterOwnScope(options: ScopeOptions = {}): Promise<true | string> {
  const { command = 'busctl', env = process.env, isRoot = process.getuid?.() === 0, pid = process.pid } = options;
  const manager = managerFor(env, isRoot);
  if (manager === undefined) return `there is no manager of systemd for this ${isRoot ? 'system' : 'user'}`;
  const scope = `sequent-${pid}.scope`;
  try {
    await promisify(execFile)(command, scopeArguments(manager, scope, pid), { timeout: ANSWER_WITHIN_MS, env: { ...env } });
  } catch (error) {
    return `systemd gave no scope: ${messageOf(error).trim().split('\n').at(-1)}`;
  }
  const deadline = performance.now() + MOVES_WITHIN_MS;
  while (!readFileSync(`/proc/${pid}/cgroup`, 'latin1').includes(`/${scope}`)) {
    if (performance.now() > deadline) return `systemd did not move this process into ${scope}`;
    await sleep(ASK_AGAIN_MS);
  }
  return true;
}

/** `systemctl` decides by the same files whether a manager runs. */
function managerFor(env: Readonly<Record<string, string | undefined>>, isRoot: boolean): '--system' | '--user' | undefined {
  if (isRoot) return existsSync('/run/systemd/system') ? '--system' : undefined;
  const folder = env.XDG_RUNTIME_DIR;
  return folder !== undefined && existsSync(join(folder, 'systemd')) ? '--user' : undefined;
}

/** The call of the manager: two properties, and no further units. */
function scopeArguments(manager: '--system' | '--user', scope: string, pid: number): string[] {
  return [
    manager,
    ...['call', 'org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager', 'StartTransientUnit'],
    ...['ssa(sv)a(sa(sv))', scope, 'fail'],
    ...['2', 'PIDs', 'au', '1', String(pid), 'Delegate', 'b', 'true'],
    '0',
  ];
}
