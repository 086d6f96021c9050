import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { HandlerRules } from '#src/core/functions/handler-rules.ts';
import type { FunctionHost } from '#src/core/ports/function-host.ts';
import { failed, refusedByFunction } from './failures.ts';

/**
 * Runs each function in the host for its kind of handler.
 *
 * Invariant: no host sees a handler that the rules refuse, whatever the registry holds (U1).
 */
export function createHost(
  hosts: Record<FunctionDefinition['handler']['kind'], FunctionHost>,
  rules: Pick<HandlerRules, 'refuse'>,
): FunctionHost {
  const hostOf = ({ handler }: FunctionDefinition) => hosts[handler.kind];
  return {
    execute(execution, signal) {
      const refusal = rules.refuse(execution.definition);
      if (refusal === undefined) return hostOf(execution.definition).execute(execution, signal);
      const message = `${refusal.field}: ${refusal.problem}`;
      return Promise.resolve(failed(refusedByFunction({ errorType: 'HandlerNotAllowed', message })));
    },
    warm(definition, version) {
      if (rules.refuse(definition) === undefined) hostOf(definition).warm?.(definition, version);
    },
    live: (question) => Object.values(hosts).flatMap((host) => host.live?.(question) ?? []),
    async close() {
      await Promise.all(Object.values(hosts).map((host) => host.close()));
    },
  };
}
