import type { Redact } from '#src/core/output/redaction.ts';
import type { Execution, ExecutionResult, FunctionHost, HostLayer } from '#src/core/ports/function-host.ts';

/** A host with layers, the outermost first. An execution passes the layers that it needs, so that a plain one goes to the host at once. */
export function surroundHost(host: FunctionHost, layers: readonly HostLayer[]): FunctionHost {
  const innermostFirst = layers.toReversed();
  let warm: NonNullable<FunctionHost['warm']> = (definition, version) => host.warm?.(definition, version);
  let live: NonNullable<FunctionHost['live']> = (question) => host.live?.(question) ?? [];
  for (const layer of innermostFirst) {
    const [innerWarm, innerLive] = [warm, live];
    if (layer.warm !== undefined) warm = (definition, version) => layer.warm?.(definition, version, innerWarm);
    if (layer.live !== undefined) live = (question) => layer.live?.(question, innerLive) ?? [];
  }
  return {
    execute(execution, signal) {
      let run: FunctionHost['execute'] = (given, until) => host.execute(given, until);
      for (const layer of innermostFirst) {
        if (!layer.needs(execution)) continue;
        const inner = run;
        run = (given, until) => layer.execute(given, until, inner);
      }
      return run(execution, signal);
    },
    warm,
    live,
    close: () => host.close(),
  };
}

/** Gives a function the events of a group as one array. An empty payload is the event `{}`, as for a single request. */
export const eventsLayer: HostLayer = {
  needs: ({ events }) => events !== undefined,
  execute: (execution, signal, run) => run(withArray(execution), signal),
};

function withArray({ events = [], ...execution }: Execution): Execution {
  const payload = `[${events.map((event) => (event.payload.trim() === '' ? '{}' : event.payload)).join(',')}]`;
  return { ...execution, payload, requestIds: events.map(({ requestId }) => requestId) };
}

/** Hides the secrets in the texts of failures of functions. The hosts that capture output hide those in it themselves, before they cut it. */
export function createRedactingLayer(redact: Redact): HostLayer {
  return { needs: () => true, execute: (execution, signal, run) => run(execution, signal).then((result) => redacted(result, redact)) };
}

function redacted(result: ExecutionResult, redact: Redact): ExecutionResult {
  if (result.kind === 'returned' || result.failure.kind !== 'function') return result;
  const { message, stackTrace } = result.failure;
  const trace = stackTrace === undefined ? {} : { stackTrace: stackTrace.map(redact) };
  return { ...result, failure: { ...result.failure, message: redact(message), ...trace } };
}
