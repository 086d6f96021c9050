/**
 * Lets those who come in one turn of the event loop go on together: what they then write to NATS leaves in one piece. A write
 * for every request was the dearest part of accepting it.
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
