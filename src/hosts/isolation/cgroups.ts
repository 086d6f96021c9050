import { accessSync, constants, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#src/core/errors.ts';
import { OWN_GROUP } from './own-cgroup.ts';

/** The limits of one function process and all its descendants. */
type CgroupLimits = { memoryInMb: number; maxTasks: number };

/** One account of the kernel for a function process and all its descendants, also for those in sessions of their own. */
export interface Cgroup {
  readonly folder: string;
  /** How often the kernel ended the group because of its memory. */
  readonly memoryKills: number;
  readonly processes: number;
  /** The processor time of all processes that were ever in the group, in milliseconds. */
  readonly processorTimeInMs: number;
  /** Pauses or continues every process of the group, also one that starts meanwhile. */
  freeze(isFrozen: boolean): void;
  /** Ends every process of the group, and removes the group. */
  remove(): Promise<void>;
}

export interface Cgroups {
  create(limits: CgroupLimits): Cgroup;
}

type CgroupOptions = {
  /** The controllers that the groups need. */
  controllers?: readonly string[];
  /** The processes that may be moved into a group of their own: those of this program. */
  own?: ReadonlySet<number>;
};

const GROUP = 'sequent-fn-';

/**
 * Prepares the cgroup in `folder` for groups of function processes; why that is not possible otherwise.
 *
 * Other programs' processes are never moved: a group that holds one is not used. Groups that an ended worker left behind are removed.
 */
export function openCgroups(folder: string, options: CgroupOptions = {}): { cgroups: Cgroups } | { why: string } {
  const { controllers = ['memory', 'pids'], own = ownProcesses() } = options;
  try {
    const available = wordsIn(join(folder, 'cgroup.controllers'));
    const missing = controllers.filter((name) => !available.includes(name));
    if (missing.length > 0) return { why: `the cgroup ${folder} has no controller ${missing.join(', ')}` };
    accessSync(join(folder, 'cgroup.procs'), constants.W_OK);
    accessSync(folder, constants.W_OK);
    if (!controllers.every((name) => wordsIn(join(folder, 'cgroup.subtree_control')).includes(name))) {
      const foreign = pidsIn(folder).find((pid) => !own.has(pid));
      if (foreign !== undefined) return { why: `the cgroup ${folder} holds the process ${foreign} of another program` };
      enableControllers(folder, controllers);
    }
    removeLeftGroups(folder);
  } catch (error) {
    return { why: `the cgroup ${folder} cannot be used: ${messageOf(error)}` };
  }
  let created = 0;
  return { cgroups: { create: (limits) => createGroup(join(folder, `${GROUP}${process.pid}-${++created}`), { ...limits, controllers }) } };
}

/** A command that enters a group before it becomes another command, so that no process of the other command is outside. */
export function inCgroup(group: Cgroup, [command, ...args]: readonly [string, ...string[]]): { command: string; args: string[] } {
  return { command: 'sh', args: ['-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', group.folder, command, ...args] };
}

/** Only the children of a group without processes can have limits. */
function enableControllers(folder: string, controllers: readonly string[]): void {
  mkdirSync(join(folder, OWN_GROUP), { recursive: true });
  for (const pid of pidsIn(folder)) writeFileSync(join(folder, OWN_GROUP, 'cgroup.procs'), String(pid));
  if (controllers.length > 0) writeFileSync(join(folder, 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '));
}

function createGroup(folder: string, { memoryInMb, maxTasks, controllers }: CgroupLimits & { controllers: readonly string[] }): Cgroup {
  mkdirSync(folder);
  if (controllers.includes('memory')) {
    writeFileSync(join(folder, 'memory.max'), String(memoryInMb * 1_048_576));
    // The kernel ends all processes of the group together.
    tryWrite(join(folder, 'memory.oom.group'), '1');
    tryWrite(join(folder, 'memory.swap.max'), '0');
  }
  if (controllers.includes('pids')) writeFileSync(join(folder, 'pids.max'), String(maxTasks));
  return {
    folder,
    get memoryKills() {
      return Number(/^oom_kill (\d+)$/m.exec(contentOf(join(folder, 'memory.events')))?.[1] ?? 0);
    },
    get processes() {
      return pidsIn(folder).length;
    },
    get processorTimeInMs() {
      return Number(/^usage_usec (\d+)$/m.exec(contentOf(join(folder, 'cpu.stat')))?.[1] ?? 0) / 1_000;
    },
    freeze: (isFrozen) => tryWrite(join(folder, 'cgroup.freeze'), isFrozen ? '1' : '0'),
    async remove() {
      for (let tries = 0; tries < 100; tries++) {
        if (removeGroup(folder)) return;
        await sleep(20);
      }
    },
  };
}

/** False while processes of the group are ending. */
function removeGroup(folder: string): boolean {
  tryWrite(join(folder, 'cgroup.kill'), '1');
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function removeLeftGroups(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = new RegExp(`^${GROUP}(\\d+)-\\d+$`).exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) removeGroup(join(folder, name));
  }
}

function isRunning(pid: number): boolean {
  return pid !== process.pid && contentOf(`/proc/${pid}/stat`) !== '';
}

/** This process and its ancestors, such as `npm start` and the first process of a container. */
function ownProcesses(): ReadonlySet<number> {
  const pids = new Set<number>();
  for (let pid = process.pid; pid > 0 && !pids.has(pid); ) {
    pids.add(pid);
    const stat = contentOf(`/proc/${pid}/stat`);
    pid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
  }
  return pids;
}

function pidsIn(folder: string): number[] {
  return wordsIn(join(folder, 'cgroup.procs')).map(Number);
}

function wordsIn(file: string): string[] {
  return contentOf(file).split(/\s+/).filter(Boolean);
}

/** Empty when the file does not exist. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Older kernels lack some of the files. */
function tryWrite(file: string, value: string): void {
  try {
    writeFileSync(file, value);
  } catch {
    // The group works without this value.
  }
}
