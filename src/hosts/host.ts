import type { FunctionDefinition } from '#src/core/function-definition.ts';
import type { FunctionHost } from '#src/core/function-host.ts';

/** Runs each function in the host for its kind of handler. */
export function createHost(hosts: Record<FunctionDefinition['handler']['kind'], FunctionHost>): FunctionHost {
  const hostOf = ({ handler }: FunctionDefinition) => hosts[handler.kind];
  return {
    execute: (execution, signal) => hostOf(execution.definition).execute(execution, signal),
    warm: (definition, version) => hostOf(definition).warm?.(definition, version),
    async close() {
      await Promise.all(Object.values(hosts).map((host) => host.close()));
    },
  };
}
