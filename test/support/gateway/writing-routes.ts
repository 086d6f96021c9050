import type { Hono } from 'hono';
import { isReading } from '#src/gateway/auth/origin.ts';
import type { GatewayEnv } from '#src/gateway/ports.ts';

export type WritingRoute = { method: string; path: string };

/** The method for a route that accepts every method. */
const ANY = 'POST';

/**
 * Every route of the gateway with a writing method, once each. The routes come from the router, so a new route is included. `values` sets
 * the parameters of the paths by name; every other parameter is `x`.
 */
export function writingRoutes(app: Hono<GatewayEnv>, values: Readonly<Record<string, string>>): WritingRoute[] {
  const routes = app.routes
    .map(({ method, path }) => ({ method: method === 'ALL' ? ANY : method, path }))
    .filter(({ method }) => !isReading(method))
    .map(({ method, path }) => ({
      method,
      path: path
        .replaceAll(/:(\w+)/g, (_, name: string) => values[name] ?? 'x')
        .replace(/^\*$/, '/*')
        .replace('*', 'x'),
    }));
  return [...new Map(routes.map((route) => [`${route.method} ${route.path}`, route])).values()];
}
