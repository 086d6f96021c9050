import { routePath } from 'hono/route';
import type { Call } from '../ports.ts';
import type { Metrics } from './metrics.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Measures a request under the pattern of its route and a known method, because paths and methods are unbounded. */
export function measureRequest(metrics: Metrics, call: Call, startedAt: number): void {
  const method = METHODS.has(call.req.method) ? call.req.method : 'other';
  metrics.observeRequest({ method, route: routePath(call), status: call.res.status }, (performance.now() - startedAt) / 1_000);
}
