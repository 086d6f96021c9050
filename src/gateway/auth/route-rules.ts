import { matchedRoutes } from 'hono/route';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call } from '#src/gateway/ports.ts';
import type { Credential } from './credentials.ts';
import type { Role } from './roles.ts';

/** What a route does, by the name that the audit log shows, and the role that it needs. */
export type RouteRule = { role: Role; action: string };

/**
 * The rule of every route behind `authenticate`, by the method and the pattern of the route.
 *
 * A route without a rule is refused to every credential with roles, and fails a test. Routes for all methods only refuse, and need no rule.
 */
export const routeRules: Readonly<Record<string, RouteRule | undefined>> = {
  'GET /api/audit': { role: 'admin', action: 'audit.read' },
  'GET /metrics': { role: 'read', action: 'metrics.read' },
  'GET /api/batches': { role: 'read', action: 'batches.list' },
  'GET /api/batches/:id': { role: 'read', action: 'batch.read' },
  'GET /api/batches/:id/results': { role: 'read', action: 'batch.results' },
  'GET /api/bulk': { role: 'read', action: 'bulk.list' },
  'GET /api/bulk/:id': { role: 'read', action: 'bulk.read' },
  'GET /api/dead-letters': { role: 'read', action: 'dead-letters.list' },
  'GET /api/dead-letters/groups': { role: 'read', action: 'dead-letters.groups' },
  'GET /api/destinations/graph': { role: 'read', action: 'functions.list' },
  'GET /api/functions': { role: 'read', action: 'functions.list' },
  'GET /api/functions/:name': { role: 'read', action: 'function.read' },
  'GET /api/functions/:name/test-events': { role: 'read', action: 'test-events.list' },
  'GET /api/functions/:name/test-events/:event': { role: 'read', action: 'test-events.list' },
  'GET /api/functions/:name/code': { role: 'read', action: 'code.read' },
  'GET /api/functions/:name/logs': { role: 'read', action: 'logs.read' },
  'GET /api/functions/:name/logs/stream': { role: 'read', action: 'logs.follow' },
  'GET /api/functions/:name/versions/stats': { role: 'read', action: 'stats.read' },
  'GET /api/functions/:name/stats': { role: 'read', action: 'stats.read' },
  'GET /api/invocations': { role: 'read', action: 'invocations.list' },
  'GET /api/invocations/counts': { role: 'read', action: 'invocations.list' },
  'GET /api/invocations/:id': { role: 'read', action: 'invocation.read' },
  'GET /api/invocations/:id/events': { role: 'read', action: 'invocation.read' },
  'GET /api/invocations/:id/events/stream': { role: 'read', action: 'invocation.read' },
  'GET /api/invocations/:id/explain': { role: 'read', action: 'invocation.read' },
  'GET /api/invocations/:id/payload': { role: 'read', action: 'invocation.read' },
  'GET /api/invocations/:id/result': { role: 'read', action: 'invocation.read' },
  'GET /api/invocations/:id/tree': { role: 'read', action: 'invocation.read' },
  'GET /api/layers': { role: 'read', action: 'layers.list' },
  'GET /api/machine': { role: 'read', action: 'machine.read' },
  'GET /api/flow': { role: 'read', action: 'flow.read' },
  'GET /api/schedules': { role: 'read', action: 'schedules.list' },
  'GET /api/schedules/:name': { role: 'read', action: 'schedule.read' },
  'GET /api/stats': { role: 'read', action: 'stats.read' },
  'GET /api/status-log': { role: 'read', action: 'status-log.read' },
  'GET /api/system': { role: 'read', action: 'system.read' },
  'GET /api/transitions': { role: 'read', action: 'transitions.follow' },
  'POST /api/sql': { role: 'read', action: 'history.sql' },
  'POST /api/verify': { role: 'read', action: 'log.verify' },

  'POST /api/functions/:name/invocations': { role: 'invoke', action: 'function.invoke' },
  'POST /api/functions/:name/batches': { role: 'invoke', action: 'function.invoke-batch' },
  'POST /api/batches/:id/cancel': { role: 'invoke', action: 'batch.cancel' },
  'POST /api/batches/:id/seal': { role: 'invoke', action: 'batch.seal' },
  'POST /api/batches/:id/redrive': { role: 'invoke', action: 'batch.redrive' },
  'POST /api/invocations/:id/cancel': { role: 'invoke', action: 'invocation.cancel' },
  'POST /api/invocations/:id/deliveries/:destination/dismiss': { role: 'invoke', action: 'delivery.dismiss' },
  'POST /api/invocations/:id/deliveries/:destination/give-up': { role: 'invoke', action: 'delivery.give-up' },
  'POST /api/invocations/:id/deliveries/:destination/redeliver': { role: 'invoke', action: 'delivery.redeliver' },
  'POST /api/schedules/:name/run': { role: 'invoke', action: 'schedule.run' },
  'POST /api/invocations/:id/redrive': { role: 'invoke', action: 'invocation.redrive' },

  'PUT /api/functions/:name': { role: 'deploy', action: 'function.put' },
  'POST /api/functions/:name/packages': { role: 'deploy', action: 'code.put' },
  'PATCH /api/functions/:name/policy': { role: 'deploy', action: 'policy.change' },
  'DELETE /api/functions/:name/policy': { role: 'deploy', action: 'policy.change' },
  'PUT /api/functions/:name/test-events/:event': { role: 'invoke', action: 'test-event.put' },
  'DELETE /api/functions/:name/test-events/:event': { role: 'invoke', action: 'test-event.delete' },
  'POST /api/functions/:name/versions': { role: 'deploy', action: 'version.publish' },
  'DELETE /api/functions/:name/versions/:version': { role: 'deploy', action: 'version.delete' },
  'PUT /api/functions/:name/aliases/:alias': { role: 'deploy', action: 'alias.put' },
  'DELETE /api/functions/:name/aliases/:alias': { role: 'deploy', action: 'alias.delete' },
  'DELETE /api/functions/:name': { role: 'deploy', action: 'function.delete' },
  'POST /api/functions/:name/aliases/:alias/promote': { role: 'deploy', action: 'alias.put' },
  'POST /api/functions/:name/aliases/:alias/rollback': { role: 'deploy', action: 'alias.put' },
  'POST /api/functions/:name/pause': { role: 'deploy', action: 'function.pause' },
  'POST /api/functions/:name/resume': { role: 'deploy', action: 'function.resume' },
  'PUT /api/schedules/:name': { role: 'deploy', action: 'schedule.put' },
  'DELETE /api/schedules/:name': { role: 'deploy', action: 'schedule.delete' },
  'POST /api/schedules/:name/pause': { role: 'deploy', action: 'schedule.pause' },
  'POST /api/schedules/:name/resume': { role: 'deploy', action: 'schedule.resume' },

  'POST /api/bulk': { role: 'admin', action: 'bulk.start' },
  'POST /api/bulk/:id/abort': { role: 'admin', action: 'bulk.abort' },
  'POST /api/cancel': { role: 'admin', action: 'invocations.cancel' },
  'POST /api/redrive': { role: 'admin', action: 'invocations.redrive' },
  'POST /api/dead-letters/dismiss': { role: 'admin', action: 'dead-letters.dismiss' },
  'POST /api/dead-letters/redrive': { role: 'admin', action: 'dead-letters.redrive' },

  'GET /v2/:project/fgs/functions': { role: 'read', action: 'functions.list' },
  'GET /v2/:project/fgs/functions/:urn/active-async-invocations': { role: 'read', action: 'invocations.list' },
  'GET /v2/:project/fgs/functions/:urn/aliases': { role: 'read', action: 'aliases.list' },
  'GET /v2/:project/fgs/functions/:urn/aliases/:alias': { role: 'read', action: 'alias.read' },
  'GET /v2/:project/fgs/functions/:urn/async-invocations': { role: 'read', action: 'invocations.list' },
  'GET /v2/:project/fgs/functions/:urn/async-invoke-config': { role: 'read', action: 'policy.read' },
  'GET /v2/:project/fgs/functions/:urn/async-invoke-configs': { role: 'read', action: 'policy.read' },
  'GET /v2/:project/fgs/functions/:urn/code': { role: 'read', action: 'code.read' },
  'GET /v2/:project/fgs/functions/:urn/config': { role: 'read', action: 'function.read' },
  'GET /v2/:project/fgs/functions/:urn/versions': { role: 'read', action: 'versions.list' },
  'GET /v2/:project/fgs/functions/async-status-log-detail': { role: 'read', action: 'status-log.read' },
  'GET /v2/:project/fgs/dependencies': { role: 'read', action: 'layers.list' },
  'GET /v2/:project/fgs/dependencies/:group/version': { role: 'read', action: 'layers.list' },
  'GET /v2/:project/fgs/dependencies/:group/version/:version': { role: 'read', action: 'layer.read' },
  'GET /v2/:project/fgs/quotas': { role: 'read', action: 'quotas.read' },

  'POST /v2/:project/fgs/functions/:urn/invocations': { role: 'invoke', action: 'function.invoke' },
  'POST /v2/:project/fgs/functions/:urn/invocations-async': { role: 'invoke', action: 'function.invoke' },
  'POST /v2/:project/fgs/functions/:urn/cancel': { role: 'invoke', action: 'invocation.cancel' },

  'POST /v2/:project/fgs/dependencies/version': { role: 'deploy', action: 'layer.put' },
  'DELETE /v2/:project/fgs/dependencies/:group/version/:version': { role: 'deploy', action: 'layer.delete' },
  'POST /v2/:project/fgs/functions': { role: 'deploy', action: 'function.put' },
  'DELETE /v2/:project/fgs/functions/:urn': { role: 'deploy', action: 'function.delete' },
  'PUT /v2/:project/fgs/functions/:urn/code': { role: 'deploy', action: 'code.put' },
  'PUT /v2/:project/fgs/functions/:urn/config': { role: 'deploy', action: 'function.put' },
  'PUT /v2/:project/fgs/functions/:urn/config-max-instance': { role: 'deploy', action: 'function.put' },
  'POST /v2/:project/fgs/functions/:urn/versions': { role: 'deploy', action: 'version.publish' },
  'POST /v2/:project/fgs/functions/:urn/aliases': { role: 'deploy', action: 'alias.put' },
  'PUT /v2/:project/fgs/functions/:urn/aliases/:alias': { role: 'deploy', action: 'alias.put' },
  'DELETE /v2/:project/fgs/functions/:urn/aliases/:alias': { role: 'deploy', action: 'alias.delete' },
  'PUT /v2/:project/fgs/functions/:urn/async-invoke-config': { role: 'deploy', action: 'policy.change' },
  'DELETE /v2/:project/fgs/functions/:urn/async-invoke-config': { role: 'deploy', action: 'policy.change' },

  'POST /v2/:project/fgs/functions/enable-async-status-logs': { role: 'admin', action: 'status-log.enable' },
};

/** The rule of the route that serves a call; `undefined` when no route does. The first route that matches serves the call. */
export function ruleOf(call: Call): (RouteRule & { path: string }) | undefined {
  for (const { method, path } of matchedRoutes(call)) {
    if (method === ALL) continue;
    const rule = routeRules[`${method} ${path}`];
    return rule === undefined ? undefined : { ...rule, path };
  }
  return undefined;
}

/** The method of middleware, and of routes that refuse whatever they are asked. */
const ALL = 'ALL';

/** Throws `HttpError` 403 when the credential lacks the role that the route of a call needs. */
export function checkRole(call: Call, { roles }: Credential): void {
  if (roles === undefined || roles.includes('admin')) return;
  if (matchedRoutes(call).every(({ method }) => method === ALL)) return;
  const needed = ruleOf(call)?.role ?? 'admin';
  if (roles.includes(needed)) return;
  const message = `the credential lacks the role "${needed}", which this call needs; it has ${roles.map((role) => `"${role}"`).join(', ')}`;
  throw new HttpError({ status: 403, message, missingRole: needed });
}
