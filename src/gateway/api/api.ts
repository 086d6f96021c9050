import type { Hono } from 'hono';
import { VERSION } from '#src/client/version.ts';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import type { Gateway, GatewayEnv } from '../ports.ts';
import { addAuditRoute } from './audit.ts';
import { addBatchActions } from './batch-actions.ts';
import { addBatchQueries } from './batch-queries.ts';
import { addBatchRoute } from './batches.ts';
import { addBulkRoutes } from './bulk.ts';
import { addBulkOperationRoutes } from './bulk-operations.ts';
import { addCodeRoutes } from './code.ts';
import { addDeadLetterRoutes } from './dead-letters.ts';
import { addExplainRoutes } from './explain.ts';
import { addFlowRoute } from './flow.ts';
import { addFunctionRoutes } from './functions.ts';
import { addGraphRoute } from './graph.ts';
import { addInvocationRoutes } from './invocations.ts';
import { addInvokeRoute } from './invoke.ts';
import { addListRoutes } from './list.ts';
import { addLogRoutes } from './logs.ts';
import { documentOf } from './openapi.ts';
import { addPayloadRoutes } from './payloads.ts';
import { addRepairRoutes } from './repair.ts';
import { createRoutes } from './route.ts';
import { addScheduleRoutes } from './schedules.ts';
import { readySchema } from './schemas/system.ts';
import { addSqlRoute } from './sql.ts';
import { addStatsRoutes } from './stats.ts';
import { addStatusLogRoute } from './status-log.ts';
import { addStreams } from './streams.ts';
import { addSystemRoutes } from './system.ts';
import { addTestEventRoutes } from './test-events.ts';
import { addVerifyRoute } from './verify.ts';
import { addVersionChanges } from './version-changes.ts';
import { addVersionRoutes } from './versions.ts';

/** Sequent's own API, with its OpenAPI document. The vendor documents its API itself. */
export function addApi(app: Hono<GatewayEnv>, gateway: Gateway, waiting: ConcurrencyLimit): void {
  const routes = createRoutes(app);
  addStreams(routes, gateway, waiting);
  // The list routes precede the routes of single invocations, which would match "counts" as an id.
  addListRoutes(routes, gateway);
  addInvokeRoute(routes, gateway, waiting);
  addBatchRoute(routes, gateway);
  addBatchQueries(routes, gateway);
  addBatchActions(routes, gateway);
  addInvocationRoutes(routes, gateway, waiting);
  addPayloadRoutes(routes, gateway);
  addExplainRoutes(routes, gateway);
  addRepairRoutes(routes, gateway);
  addBulkRoutes(routes, gateway);
  addBulkOperationRoutes(routes, gateway);
  addDeadLetterRoutes(routes, gateway);
  addFlowRoute(routes, gateway);
  addFunctionRoutes(routes, gateway);
  addCodeRoutes(routes, gateway);
  addTestEventRoutes(routes, gateway);
  addScheduleRoutes(routes, gateway);
  addLogRoutes(routes, gateway, waiting);
  addStatsRoutes(routes, gateway);
  addSqlRoute(routes, gateway);
  addVersionRoutes(routes, gateway);
  addVersionChanges(routes, gateway);
  addStatusLogRoute(routes, gateway);
  addGraphRoute(routes, gateway);
  addSystemRoutes(routes, gateway, VERSION);
  addVerifyRoute(routes, gateway);
  addAuditRoute(routes, gateway);
  routes.describe({ method: 'get', path: '/healthz', summary: 'Liveness probe', answers: { 200: { description: 'the process runs' } } });
  routes.describe({
    method: 'get',
    path: '/readyz',
    summary: 'Readiness probe: whether the gateway can accept requests',
    answers: { 200: { description: 'ready', schema: readySchema }, 503: { description: 'not ready', schema: readySchema } },
  });
  routes.describe({
    method: 'get',
    path: '/metrics',
    summary: 'Metrics for Prometheus',
    answers: { 200: { description: 'the metrics', type: 'text/plain' } },
  });
  let document: object | undefined;
  app.get('/openapi.json', (call) => {
    // Most gateways are never asked for it.
    document ??= documentOf(routes.described, VERSION);
    return call.json(document);
  });
}
