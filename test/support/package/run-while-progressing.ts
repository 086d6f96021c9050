import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Between the looks at a command, and how long it may stand still. A command that waits for the registry of npm uses little processor time. */
const LOOK_EVERY_MS = 1_000;
const STANDS_STILL_AFTER_MS = 60_000;

export type CommandOptions = { cwd: string; env: Record<string, string>; failsAfterStandingStillForMs?: number };

/**
 * Runs a command however long it takes on a busy machine; resolves to its stdout.
 *
 * Rejects with the output when the command fails, or when for a minute neither the command nor its descendants print something or use the
 * processor. The descendants then end.
 */
export async function runWhileProgressing(
  program: string,
  args: readonly string[],
  { cwd, env, failsAfterStandingStillForMs = STANDS_STILL_AFTER_MS }: CommandOptions,
): Promise<string> {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const { pid = 0 } = child;
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  let isStanding = false;
  let seen = '';
  let progressedAt = performance.now();
  const look = (): void => {
    const progress = `${stdout.length} ${stderr.length} ${ticksOf(pid)}`;
    if (progress !== seen) progressedAt = performance.now();
    seen = progress;
    isStanding = performance.now() - progressedAt > failsAfterStandingStillForMs;
    if (isStanding) process.kill(-pid, 'SIGKILL');
  };
  const looks = setInterval(look, Math.min(LOOK_EVERY_MS, failsAfterStandingStillForMs));
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)).finally(() =>
    clearInterval(looks),
  );
  if (code === 0) return stdout;
  const why = isStanding ? `made no progress for ${failsAfterStandingStillForMs / 1_000} s` : `ended with ${code}`;
  throw new Error(`${program} ${args.join(' ')} ${why}:\n${stdout}${stderr}`);
}

/** The processor time of a process group in clock ticks, with that of the processes of the group which ended. */
function ticksOf(group: number): number {
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const fields = statOf(pid);
    if (Number(fields[2]) === group) for (const field of fields.slice(11, 15)) ticks += Number(field);
  }
  return ticks;
}

/** The fields of `/proc/<pid>/stat` from the state on. The name of the program, which may hold spaces, is before them. */
function statOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // The process ended meanwhile.
    return [];
  }
}
