import type { Execution, FunctionHost } from '#src/core/ports/function-host.ts';

/** Gives a function the events of a group as one array. An empty payload is the event `{}`, as for a single request. */
export function createEventsHost(host: FunctionHost): FunctionHost {
  return {
    ...host,
    execute: (execution, signal) => host.execute(execution.events === undefined ? execution : withArray(execution), signal),
  };
}

function withArray({ events = [], ...execution }: Execution): Execution {
  const payload = `[${events.map((event) => (event.payload.trim() === '' ? '{}' : event.payload)).join(',')}]`;
  return { ...execution, payload, requestIds: events.map(({ requestId }) => requestId) };
}
