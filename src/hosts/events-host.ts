import type { Execution, FunctionHost } from '#src/core/ports/function-host.ts';

/** Gives a function the events of a group as one array. An empty payload is the event `{}`, as for a single request. */
export function createEventsHost(host: FunctionHost): FunctionHost {
  return {
    ...host,
    execute: (execution, signal) => host.execute(execution.events === undefined ? execution : withArray(execution), signal),
  };
}

function withArray({ events = [], ...execution }: Execution): Execution {
  return { ...execution, payload: `[${events.map(({ payload }) => (payload.trim() === '' ? '{}' : payload)).join(',')}]` };
}
