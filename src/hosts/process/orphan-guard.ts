import { spawn } from 'node:child_process';

/**
 * Ends every child process when this process is gone, also after a SIGKILL.
 *
 * One shell per host keeps the list of process groups and waits for the end of its input. The kernel closes that input when the host dies.
 * The guard also ends processes that cannot end themselves: children in a busy loop, and processes that a child started.
 */
export interface OrphanGuard {
  /** Adds a process group. */
  watch(pid: number): void;
  /** Removes a process group that has ended. */
  forget(pid: number): void;
  /** Ends the guard and every watched group, and removes the directory. */
  close(): Promise<void>;
}

const script = `
groups=''
while read -r verb group; do
  kept=''
  for each in $groups; do [ "$each" = "$group" ] || kept="$kept $each"; done
  groups=$kept
  [ "$verb" = watch ] && groups="$groups $group"
done
for each in $groups; do kill -s KILL -- "-$each" 2>/dev/null; done
rm -rf -- "$1"
`;

/**
 * Starts a guard. Without a shell, or without memory for one, nothing is watched. The children then end when their input closes, unless
 * they are in a busy loop.
 */
export function openOrphanGuard(directory: string): OrphanGuard {
  const shell = spawn('/bin/sh', ['-c', script, 'sequent-orphan-guard', directory], {
    detached: true,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => {
    shell.on('exit', () => resolve());
    shell.on('error', () => resolve());
  });
  if (shell.pid === undefined) return { watch: () => undefined, forget: () => undefined, close: () => ended };
  shell.stdin.on('error', () => undefined);
  return {
    watch: (pid) => void shell.stdin.write(`watch ${pid}\n`),
    forget: (pid) => void shell.stdin.write(`forget ${pid}\n`),
    close() {
      shell.stdin.end();
      return ended;
    },
  };
}
