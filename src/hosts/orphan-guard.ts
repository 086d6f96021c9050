import { spawn } from 'node:child_process';

/**
 * Ends every child process when this process is gone, however it went.
 *
 * One small shell per host keeps the list of process groups and waits for the end of its input, which the kernel closes when the
 * host dies, also by SIGKILL. It reaches what a child cannot do for itself: a busy loop that never reads, and what it has started.
 */
export interface OrphanGuard {
  watch(pid: number): void;
  forget(pid: number): void;
  /** Ends the guard, with every group that it still watches, and removes the directory. */
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
 * Where there is no shell, or no room for one, nothing is watched: the children still end by themselves when their input closes,
 * unless they are in a busy loop.
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
