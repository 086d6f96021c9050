import { chmodSync, chownSync, cpSync, mkdtempSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { lowerSession } from '#src/core/processes/lower-priority.mjs';
import { type Cgroup, type Cgroups, inCgroup } from '#src/hosts/isolation/cgroups.ts';
import { endLeftovers } from '#src/hosts/isolation/leftovers.ts';
import { type Sandbox, sandboxCommand } from '#src/hosts/isolation/sandbox-command.ts';
import { seccompFilter } from '#src/hosts/isolation/seccomp.ts';
import type { HostRuntime, Interpreter } from '#src/hosts/runtimes/host-runtime.ts';
import { type Child, type ChildEvents, type ChildOptions, failedChild, openChild } from './child-process.ts';
import { type OrphanGuard, openOrphanGuard } from './orphan-guard.ts';
import { RUNTIME_MEMORY_IN_MB } from './process-resources.ts';

/** What a process runs, by which interpreter, and in which sandbox. `codeFolder` is visible in the sandbox. */
export type Program = {
  definition: FunctionDefinition;
  runtime: HostRuntime;
  interpreter: Interpreter;
  sandbox?: Sandbox | undefined;
  codeFolder?: string | undefined;
};

/** Starts the child processes of one host, each in its own directory. No child survives the host. */
export interface ProcessLauncher {
  open(program: Program, events: ChildEvents): Child;
  close(): Promise<void>;
}

type Home = {
  directory: string;
  guard: OrphanGuard;
  /** The children that run as each user. */
  users: Map<number, Set<number>>;
  /** A copy of the runtime that every user can read, made for the first sandbox. */
  sharedRuntime?: string;
};

const runtimeFolder = fileURLToPath(new URL('../runtime/', import.meta.url));

type LauncherOptions = { cgroups?: Cgroups | undefined; inspectorPort?: ((functionName: string) => number | undefined) | undefined };

export function createProcessLauncher({ cgroups, inspectorPort }: LauncherOptions = {}): ProcessLauncher {
  let home: Home | undefined;

  function openHome(): Home {
    const directory = mkdtempSync(join(tmpdir(), 'sequent-host-'));
    return { directory, guard: openOrphanGuard(directory), users: new Map() };
  }

  function openIn(opened: Home, program: Program, events: ChildEvents): Child {
    const cwd = mkdtempSync(join(opened.directory, `${program.definition.name}-`));
    const { sandbox } = program;
    const options =
      sandbox === undefined ? plain(program, cwd, inspectorPort?.(program.definition.name)) : sandboxed(opened, { program, sandbox, cwd });
    const cgroup = cgroups?.create(limitsOf(program));
    const child = openChild(cgroup === undefined ? options : within(cgroup, options), {
      ...events,
      onEnd(end) {
        if (child.pid !== undefined) forget(opened, child.pid, sandbox);
        void removeDirectory(cwd);
        events.onEnd(end);
        void cgroup?.remove();
      },
    });
    if (child.pid !== undefined) remember(opened, child.pid, sandbox);
    // The code of the own project is the operator's. The command of a sandbox lowers its own priority.
    if (sandbox !== undefined) lowerSession(child.pid);
    return { ...child, cgroup };
  }

  return {
    open(program, events) {
      try {
        home ??= openHome();
        return openIn(home, program, events);
      } catch (error) {
        return failedChild(events, error);
      }
    },
    async close() {
      if (home === undefined) return;
      await home.guard.close();
      await removeDirectory(home.directory);
    },
  };
}

/** The maximum of threads and processes in one group. A process of Node has about a dozen threads. */
const MAX_TASKS_IN_GROUP = 1_024;

function limitsOf({ definition }: Program) {
  return { memoryInMb: definition.memoryInMb + RUNTIME_MEMORY_IN_MB, maxTasks: MAX_TASKS_IN_GROUP };
}

function within(cgroup: Cgroup, { command, args, ...options }: ChildOptions): ChildOptions {
  return { ...options, ...inCgroup(cgroup, [command, ...args]) };
}

function remember({ guard, users }: Home, pid: number, sandbox: Sandbox | undefined): void {
  guard.watch(pid);
  if (sandbox?.uid === undefined) return;
  const present = users.get(sandbox.uid) ?? new Set();
  users.set(sandbox.uid, present.add(pid));
}

function forget({ guard, users }: Home, pid: number, sandbox: Sandbox | undefined): void {
  guard.forget(pid);
  if (sandbox?.uid === undefined) return;
  const live = users.get(sandbox.uid);
  live?.delete(pid);
  // With namespaces, the kernel has ended them.
  if (sandbox.level === 'user') endLeftovers(sandbox.uid, live ?? new Set());
}

/** Ignores failures: a remaining directory does no harm. */
async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true }).catch(() => undefined);
}

function plain({ definition, runtime, interpreter }: Program, cwd: string, inspectorPort: number | undefined): ChildOptions {
  const env = { ...environmentFor(cwd), ...definition.userData, ...definition.secretUserData };
  const place = { definition, runtimeFolder, isSandboxed: false, inspectorPort };
  return { command: interpreter.command, args: runtime.argumentsFor(place), env, cwd };
}

/** The user data reaches the environment in the child, because the steps that open a sandbox have the worker's rights. */
function sandboxed(home: Home, { program, sandbox, cwd }: { program: Program; sandbox: Sandbox; cwd: string }): ChildOptions {
  const { definition, codeFolder, runtime, interpreter } = program;
  home.sharedRuntime ??= copyRuntime(home.directory);
  if (sandbox.level === 'user' && sandbox.uid !== undefined) chownSync(cwd, sandbox.uid, sandbox.uid);
  const command = realpathSync(interpreter.command);
  const code = codeFolder === undefined ? [] : [codeFolder];
  const readable = [command, home.sharedRuntime, ...code, ...interpreter.readable, ...runtime.readableFor(definition)];
  const ownFolder = sandbox.level === 'user' ? cwd : '/tmp';
  const folders = { readable: [home.sharedRuntime, ...code], writable: ownFolder };
  const permitted = sandbox.isRestricted ? { folders, hasNetwork: sandbox.hasNetwork } : undefined;
  const hasOwnNetwork = sandbox.level === 'namespaces' && !sandbox.hasNetwork;
  const opened = sandboxCommand(sandbox, {
    directory: cwd,
    memoryInMb: definition.memoryInMb,
    usesLoopback: runtime.usesLoopback,
    readable,
    filter: sandbox.isFiltered ? join(home.sharedRuntime, FILTER) : undefined,
    command,
    args: runtime.argumentsFor({ definition, runtimeFolder: home.sharedRuntime, isSandboxed: true, permitted, hasOwnNetwork }),
  });
  return { ...opened, env: environmentFor(ownFolder), cwd };
}

const FILTER = 'seccomp.bpf';

/** Copies the runtime, because other users may not reach the folder of the program. */
function copyRuntime(directory: string): string {
  const copy = join(directory, 'runtime');
  cpSync(runtimeFolder, copy, { recursive: true });
  const filter = seccompFilter();
  if (filter !== undefined) writeFileSync(join(copy, FILTER), filter);
  for (const entry of readdirSync(copy, { recursive: true, withFileTypes: true }))
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  chmodSync(copy, 0o755);
  chmodSync(directory, 0o711);
  return copy;
}

/** The environment of a child: of this process's environment it has only the time zone. */
function environmentFor(home: string): Record<string, string> {
  const { TZ } = process.env;
  return { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, TMPDIR: home, ...(TZ === undefined ? {} : { TZ }) };
}
