import { takeEarlyHangUp } from '#src/cli/early-hang-up.ts';
import type { OutputStream } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import { exitCodes } from '../../problem.ts';

const SAME_PRESS_IN_MS = 1_000;

export type StopRequest = {
  signal: AbortSignal;
  requested: Promise<void>;
  /** Calls the listener after each SIGHUP of a process without a terminal, and now if one came before any listener. */
  onReload(listener: () => void): void;
};

/**
 * The first SIGINT or SIGTERM requests a stop; a second Ctrl-C ends the process at once. SIGHUP requests that files are read again, or a
 * stop when it says that the terminal of the process was closed.
 */
export function stopRequest(err: OutputStream): StopRequest {
  const stopping = new AbortController();
  const requested = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve(), { once: true }));
  // Replaces the listener that ends every other command.
  process.removeAllListeners('SIGINT');
  let requestedAt = Number.NEGATIVE_INFINITY;
  process.on('SIGINT', () => {
    // Under "npm start" one Ctrl-C arrives twice: from the terminal, and forwarded by npm.
    if (performance.now() - requestedAt < SAME_PRESS_IN_MS) return;
    if (stopping.signal.aborted) {
      err.line(say('sequent: stopped at once; running attempts are taken over after their lease'));
      process.exit(exitCodes.interrupted);
    }
    requestedAt = performance.now();
    stopping.abort();
  });
  process.on('SIGTERM', () => stopping.abort());
  const reloading = new Set<() => void>();
  let isMissed = false;
  const hangUp = (): void => {
    if (process.stdin.isTTY) stopping.abort();
    isMissed = reloading.size === 0;
    for (const reload of reloading) reload();
  };
  if (takeEarlyHangUp(hangUp)) hangUp();
  const onReload = (listener: () => void): void => {
    reloading.add(listener);
    if (isMissed) listener();
    isMissed = false;
  };
  return { signal: stopping.signal, requested, onReload };
}
