import type { Hono } from 'hono';
import { VERSION } from '#src/client/version.ts';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import type { Gateway, GatewayEnv } from '../ports.ts';
import { addBatchActions } from './batches/batch-actions.ts';
import { addBatchQueries } from './batches/batch-queries.ts';
import { addBatchRoute } from './batches/batches.ts';
import { addCodeRoutes } from './code/code.ts';
import { addFlowRoute } from './functions/flow.ts';
import { addFunctionRoutes } from './functions/functions.ts';
import { addGraphRoute } from './functions/graph.ts';
import { addStatsRoutes } from './functions/stats.ts';
import { addTestEventRoutes } from './functions/test-events.ts';
import { addVersionChanges } from './functions/version-changes.ts';
import { addVersionRoutes } from './functions/versions.ts';
import { addExplainRoutes } from './invocations/explain.ts';
import { addInvocationRoutes } from './invocations/invocations.ts';
import { addInvokeRoute } from './invocations/invoke.ts';
import { addListRoutes } from './invocations/list.ts';
import { addPayloadRoutes } from './invocations/payloads.ts';
import { addStatusLogRoute } from './invocations/status-log.ts';
import { addDocument } from './openapi.ts';
import { addBulkRoutes } from './repair/bulk.ts';
import { addBulkOperationRoutes } from './repair/bulk-operations.ts';
import { addDeadLetterRoutes } from './repair/dead-letters.ts';
import { addRepairRoutes } from './repair/repair.ts';
import { createRoutes } from './route.ts';
import { addScheduleRoutes } from './schedules/schedules.ts';
import { addLogRoutes } from './streams/logs.ts';
import { addStreams } from './streams/streams.ts';
import { addAuditRoute } from './system/audit.ts';
import { addSqlRoute } from './system/sql.ts';
import { addSystemRoutes } from './system/system.ts';
import { readySchema } from './system/system-schemas.ts';
import { addVerifyRoute } from './system/verify.ts';

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
  addDocument(app, routes.described, VERSION);
}
