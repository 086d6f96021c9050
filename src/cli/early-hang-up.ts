/**
 * Replaces the listener of `src/main/early-hang-up.mjs`, which only remembers SIGHUP, and tells whether the signal arrived before.
 *
 * Without a new listener, SIGHUP ends the process again.
 */
export function takeEarlyHangUp(listener?: () => void): boolean {
  const early = process.listeners('SIGHUP');
  // Added first, so that the process is never without a listener.
  if (listener !== undefined) process.on('SIGHUP', listener);
  for (const each of early) process.off('SIGHUP', each);
  return performance.getEntriesByName('sequent-hang-up').length > 0;
}
