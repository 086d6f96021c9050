/** Starts a request of a project: at once when it returns nothing, and else when the promise resolves. */
export type StartsPerTurn = (project: string | undefined) => Promise<void> | undefined;

type Starts = { started: number; waiting: (() => void)[] };

/**
 * A project starts at most `max` requests in one turn of the event loop, and its further requests in the next turns (SHARE1). A start is synchronous
 * work: without this limit, a request of another project waits for all of 900 requests that arrive together. A project alone starts all at once, so
 * that its requests share messages. The limit of requests in flight bounds the requests that wait.
 */
export function createStartsPerTurn(max: number, countProjects: () => number): StartsPerTurn {
  const turn = new Map<string, Starts>();

  function next(): void {
    for (const [project, starts] of turn) {
      const started = starts.waiting.splice(0, max);
      if (started.length === 0) turn.delete(project);
      starts.started = started.length;
      for (const start of started) start();
    }
    if (turn.size > 0) setImmediate(next);
  }

  return (project = '') => {
    if (countProjects() <= 1) return undefined;
    if (turn.size === 0) setImmediate(next);
    const starts = turn.get(project) ?? { started: 0, waiting: [] };
    turn.set(project, starts);
    if (starts.started >= max) return new Promise((resolve) => starts.waiting.push(resolve));
    starts.started++;
    return undefined;
  };
}
