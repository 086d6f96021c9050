import type { Hono } from 'hono';
import { isReading } from '#src/gateway/auth/origin.ts';
import type { GatewayEnv } from '#src/gateway/ports.ts';

export type WritingRoute = { method: string; path: string };

/** A route of every method is called with this one. */
const ANY = 'POST';

/**
 * Every route of the gateway that is called with a writing method, each once: the list is that of the router, so a new route is in it.
 * `values` fills in the parameters of a path, each by its name; every other parameter is `x`.
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
