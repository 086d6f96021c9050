import type { Hono } from 'hono';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import type { Gateway, GatewayEnv } from '../ports.ts';
import { VERSION } from '../version.ts';
import { addBulkRoutes } from './bulk.ts';
import { addDeadLetterRoutes } from './dead-letters.ts';
import { addFunctionRoutes } from './functions.ts';
import { addGraphRoute } from './graph.ts';
import { addInvocationRoutes } from './invocations.ts';
import { addListRoutes } from './list.ts';
import { addRepairRoutes } from './repair.ts';
import { createRoutes } from './route.ts';
import { readySchema } from './schemas/system.ts';
import { addStatsRoutes } from './stats.ts';
import { addStatusLogRoute } from './status-log.ts';
import { addStoryRoutes } from './story.ts';
import { addStreams } from './streams.ts';
import { addSystemRoutes } from './system.ts';
import { addVerifyRoute } from './verify.ts';

/** Sequent's own API. Returns its description, in OpenAPI 3.1; the vendor's API is described by the vendor. */
export function addApi(app: Hono<GatewayEnv>, gateway: Gateway, waiting: ConcurrencyLimit): object {
  const routes = createRoutes(app);
  addStreams(routes, gateway, waiting);
  // Before the routes of single invocations, whose ids would else be "counts".
  addListRoutes(routes, gateway);
  addInvocationRoutes(routes, gateway, waiting);
  addStoryRoutes(routes, gateway);
  addRepairRoutes(routes, gateway);
  addBulkRoutes(routes, gateway);
  addDeadLetterRoutes(routes, gateway);
  addFunctionRoutes(routes, gateway);
  addStatsRoutes(routes, gateway);
  addStatusLogRoute(routes, gateway);
  addGraphRoute(routes, gateway);
  addSystemRoutes(routes, gateway, VERSION);
  addVerifyRoute(routes, gateway);
  routes.describe({ method: 'get', path: '/healthz', summary: 'Whether the process lives', answers: { 200: { description: 'it does' } } });
  routes.describe({
    method: 'get',
    path: '/readyz',
    summary: 'Whether it can accept',
    answers: { 200: { description: 'it can', schema: readySchema }, 503: { description: 'it cannot', schema: readySchema } },
  });
  routes.describe({
    method: 'get',
    path: '/metrics',
    summary: 'Metrics for Prometheus',
    answers: { 200: { description: 'the metrics', type: 'text/plain' } },
  });
  return routes.document(VERSION);
}
