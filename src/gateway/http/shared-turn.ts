/**
 * Resolves at the end of the current turn of the event loop, for all callers of that turn together. Their publishes to NATS then leave in
 * one socket write, which was the most expensive part of accepting a request.
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
