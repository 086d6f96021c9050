/**
 * Resolves at the end of the current turn of the event loop, for all callers of that turn together. Their publishes to NATS then share one
 * socket write. A socket write per request was the most expensive part of accepting it.
 */
export function createSharedTurn(): () => Promise<void> {
  let turn: Promise<void> | undefined;
  return () => {
    turn ??= new Promise((resolve) => {
      setImmediate(() => {
        turn = undefined;
        resolve();
      });
    });
    return turn;
  };
}
