/** Stops watching. */
export type Unwatch = () => void;

/**
 * Calls back when a signal aborts, with one listener a signal however many executions share it.
 *
 * Node.js warns of a leak from the eleventh listener of one signal on, and a worker may well use one signal for all.
 */
export function createAbortWatch(): (signal: AbortSignal, onAbort: () => void) => Unwatch {
  const watched = new Map<AbortSignal, { callbacks: Set<() => void>; listener: () => void }>();

  function listen(signal: AbortSignal): Set<() => void> {
    const callbacks = new Set<() => void>();
    const listener = () => {
      for (const callback of callbacks) callback();
    };
    watched.set(signal, { callbacks, listener });
    signal.addEventListener('abort', listener);
    return callbacks;
  }
  return (signal, onAbort) => {
    const callbacks = watched.get(signal)?.callbacks ?? listen(signal);
    callbacks.add(onAbort);
    return () => {
      callbacks.delete(onAbort);
      const listening = watched.get(signal);
      if (callbacks.size > 0 || listening?.callbacks !== callbacks) return;
      signal.removeEventListener('abort', listening.listener);
      watched.delete(signal);
    };
  };
}
