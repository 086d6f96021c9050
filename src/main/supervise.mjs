import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createRestartPauses } from './roles/processes/restart-pauses.mjs';

// Plain JavaScript on Node's own modules: this process stays in memory for as long as Sequent runs, and is small without a loader.

const entry = fileURLToPath(new URL('./supervised.mjs', import.meta.url));

/**
 * Runs the `sequent` command line as a child process, and ends with the child's exit code.
 *
 * 1. A child that was ready once and ends with an error, or by a signal from outside, is started again after a growing pause.
 * 2. SIGINT and SIGTERM are forwarded to the child. No child is started after them.
 * 3. SIGHUP is forwarded too, once the child listens to it: the child reads its files again, or stops when the terminal was closed.
 */
export async function supervise(args, { onFirstReady }) {
  const stopping = new AbortController();
  let child;
  let isListening = false;
  // SIGHUP may have arrived while packages were installed (`early-hang-up.mjs`).
  let isHungUp = performance.getEntriesByName('sequent-hang-up').length > 0;
  if (isHungUp && process.stdin.isTTY) process.exit(128 + constants.signals.SIGHUP);
  process.on('SIGHUP', () => {
    if (process.stdin.isTTY) stopping.abort();
    if (isListening || stopping.signal.aborted) child?.kill('SIGHUP');
    else isHungUp = true;
  });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      stopping.abort();
      child?.kill(signal);
    });
  }
  let wasReady = false;
  const pauses = createRestartPauses();
  for (;;) {
    const startedAt = performance.now();
    child = spawn(process.execPath, [...process.execArgv, entry, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
    child.on('message', (message) => {
      if (message === 'ready' && !wasReady) onFirstReady();
      wasReady ||= message === 'ready';
      isListening = true;
      if (isHungUp) child.kill('SIGHUP');
      isHungUp = false;
    });
    const [code, signal] = await once(child, 'exit');
    isListening = false;
    const exitCode = code ?? 128 + constants.signals[signal];
    if (exitCode === 0 || !wasReady || stopping.signal.aborted) process.exit(exitCode);
    const pauseInMs = pauses.afterRunOf(performance.now() - startedAt);
    const how = signal ?? `exit code ${code}`;
    process.stderr.write(`sequent: the process ended unexpectedly (${how}); restart in ${pauseInMs / 1_000} s\n`);
    await sleep(pauseInMs, undefined, { signal: stopping.signal }).catch(() => process.exit(exitCode));
  }
}
