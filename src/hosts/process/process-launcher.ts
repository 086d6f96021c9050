import { chmodSync, chownSync, cpSync, mkdtempSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { type Cgroup, type Cgroups, inCgroup } from '#src/hosts/isolation/cgroups.ts';
import { endLeftovers } from '#src/hosts/isolation/leftovers.ts';
import { permissionArguments } from '#src/hosts/isolation/node-permissions.ts';
import { type Sandbox, sandboxCommand } from '#src/hosts/isolation/sandbox-command.ts';
import { seccompFilter } from '#src/hosts/isolation/seccomp.ts';
import { type Child, type ChildEvents, type ChildOptions, failedChild, openChild } from './child-process.ts';
import { type OrphanGuard, openOrphanGuard } from './orphan-guard.ts';
import { RUNTIME_MEMORY_IN_MB } from './process-resources.ts';

/** What a process runs, and in which sandbox. `codeFolder` is visible in the sandbox. */
export type Program = { definition: FunctionDefinition; sandbox?: Sandbox | undefined; codeFolder?: string };

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

const { resolve } = createRequire(import.meta.url);
const runtimeFolder = fileURLToPath(new URL('../runtime/', import.meta.url));

type LauncherOptions = { cgroups?: Cgroups | undefined; inspectorPort?: ((functionName: string) => number | undefined) | undefined };

export function createProcessLauncher(command: string, { cgroups, inspectorPort }: LauncherOptions = {}): ProcessLauncher {
  let home: Home | undefined;

  function openHome(): Home {
    const directory = mkdtempSync(join(tmpdir(), 'sequent-host-'));
    return { directory, guard: openOrphanGuard(directory), users: new Map() };
  }

  function openIn(opened: Home, program: Program, events: ChildEvents): Child {
    const cwd = mkdtempSync(join(opened.directory, `${program.definition.name}-`));
    const { sandbox } = program;
    const options =
      sandbox === undefined
        ? plain(command, program, cwd, inspectorPort?.(program.definition.name))
        : sandboxed(opened, { command, program, sandbox, cwd });
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

function plain(command: string, { definition }: Program, cwd: string, inspectorPort: number | undefined): ChildOptions {
  const env = { ...environmentFor(cwd), ...definition.userData, ...definition.secretUserData };
  // Without a published address, Node writes no line about the debugger into the output of the function.
  const inspector = inspectorPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectorPort}`, '--inspect-publish-uid=http'];
  return {
    command,
    args: [...inspector, ...nodeArguments({ ...definition, file: fileOf(definition) }), join(runtimeFolder, 'child.mjs')],
    env,
    cwd,
  };
}

/** The user data reaches the environment in the child, because the steps that open a sandbox have the worker's rights. */
function sandboxed(
  home: Home,
  { command, program, sandbox, cwd }: { command: string; program: Program; sandbox: Sandbox; cwd: string },
): ChildOptions {
  const { definition, codeFolder } = program;
  home.sharedRuntime ??= copyRuntime(home.directory);
  if (sandbox.level === 'user' && sandbox.uid !== undefined) chownSync(cwd, sandbox.uid, sandbox.uid);
  const readable = [realpathSync(command), home.sharedRuntime, ...(codeFolder === undefined ? [] : [codeFolder])];
  const usesLoader = isTypeScript(fileOf(definition));
  if (usesLoader) readable.push(modulesFolder());
  const ownFolder = sandbox.level === 'user' ? cwd : '/tmp';
  const folders = { readable: [home.sharedRuntime, ...(codeFolder === undefined ? [] : [codeFolder])], writable: ownFolder };
  // The loader for TypeScript starts processes and threads of its own.
  const isRestricted = sandbox.isRestricted && !usesLoader;
  const restrictions = isRestricted ? permissionArguments(folders, { hasNetwork: sandbox.hasNetwork }) : [];
  const opened = sandboxCommand(sandbox, {
    directory: cwd,
    memoryInMb: definition.memoryInMb,
    readable,
    filter: sandbox.isFiltered ? join(home.sharedRuntime, FILTER) : undefined,
    command: realpathSync(command),
    args: [
      ...restrictions,
      ...nodeArguments({ ...definition, file: fileOf(definition) }),
      join(home.sharedRuntime, 'child.mjs'),
      'user-data',
    ],
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
  for (const file of readdirSync(copy)) chmodSync(join(copy, file), 0o644);
  chmodSync(copy, 0o755);
  chmodSync(directory, 0o711);
  return copy;
}

/** The arguments of Node for a process that runs a handler file. */
export function nodeArguments({ memoryInMb, file }: { memoryInMb: number; file: string }): string[] {
  const loader = isTypeScript(file) ? ['--import', pathToFileURL(resolve('tsx')).href] : [];
  return [`--max-old-space-size=${memoryInMb}`, ...loader];
}

/** TypeScript needs a loader, which adds about 0.2 s to the start. */
function isTypeScript(file: string): boolean {
  return /\.[cm]?tsx?$/.test(file);
}

function fileOf({ handler }: FunctionDefinition): string {
  return handler.kind === 'process' ? handler.file : '';
}

/** The folder with the loader for TypeScript and the packages that it needs. */
function modulesFolder(): string {
  const loader = resolve('tsx');
  return loader.slice(0, loader.lastIndexOf('/node_modules/') + '/node_modules'.length);
}

/** The environment of a child: of this process's environment it has only the time zone. */
function environmentFor(home: string): Record<string, string> {
  const { TZ } = process.env;
  return { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, TMPDIR: home, ...(TZ === undefined ? {} : { TZ }) };
}
