import type { OutputStream } from '#src/cli/print/terminal.ts';
import { exitCodes } from '../../problem.ts';

const SAME_PRESS_IN_MS = 1_000;

export type StopRequest = { signal: AbortSignal; requested: Promise<void> };

/** The first SIGINT or SIGTERM asks to stop; the second Ctrl-C ends the process at once. */
export function stopRequest(err: OutputStream): StopRequest {
  const asking = new AbortController();
  const requested = new Promise<void>((resolve) => asking.signal.addEventListener('abort', () => resolve(), { once: true }));
  // Instead of the listener that ends every other command.
  process.removeAllListeners('SIGINT');
  let askedAt = Number.NEGATIVE_INFINITY;
  process.on('SIGINT', () => {
    // Under "npm start" one Ctrl-C comes twice: from the terminal, and passed on by npm.
    if (performance.now() - askedAt < SAME_PRESS_IN_MS) return;
    if (asking.signal.aborted) {
      err.line('sequent: stopped at once; what was running is taken over after its lease');
      process.exit(exitCodes.interrupted);
    }
    askedAt = performance.now();
    asking.abort();
  });
  process.on('SIGTERM', () => asking.abort());
  return { signal: asking.signal, requested };
}
