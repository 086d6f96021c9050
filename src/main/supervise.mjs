import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

// Plain JavaScript on Node's own modules: this process stays in memory for as long as Sequent runs, and is small without a loader.

const entry = fileURLToPath(new URL('./supervised.mjs', import.meta.url));
const FIRST_PAUSE_IN_MS = 1_000;
const LONGEST_PAUSE_IN_MS = 30_000;
/** A process that ran this long has recovered. The next pause is the first one again. */
const STABLE_AFTER_MS = 60_000;

/**
 * Runs the `sequent` command line as a child process, and ends with the child's exit code.
 *
 * 1. A child that was ready once and ends with an error, or by a signal from outside, is started again after a growing pause.
 * 2. SIGINT and SIGTERM are forwarded to the child. No child is started after them.
 */
export async function supervise(args) {
  const stopping = new AbortController();
  let child;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      stopping.abort();
      child?.kill(signal);
    });
  }
  let wasReady = false;
  for (let pauseInMs = FIRST_PAUSE_IN_MS; ; pauseInMs = Math.min(pauseInMs * 2, LONGEST_PAUSE_IN_MS)) {
    const startedAt = performance.now();
    child = spawn(process.execPath, [...process.execArgv, entry, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
    child.on('message', (message) => {
      wasReady ||= message === 'ready';
    });
    const [code, signal] = await once(child, 'exit');
    const exitCode = code ?? 128 + constants.signals[signal];
    if (exitCode === 0 || !wasReady || stopping.signal.aborted) process.exit(exitCode);
    if (performance.now() - startedAt > STABLE_AFTER_MS) pauseInMs = FIRST_PAUSE_IN_MS;
    const how = signal ?? `exit code ${code}`;
    process.stderr.write(`sequent: the process ended unexpectedly (${how}); restart in ${pauseInMs / 1_000} s\n`);
    await sleep(pauseInMs, undefined, { signal: stopping.signal }).catch(() => process.exit(exitCode));
  }
}
