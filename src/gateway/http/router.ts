import { Hono } from 'hono';
import type { Router } from 'hono/router';
import type { GatewayEnv } from '#src/gateway/ports.ts';
import { memoizeByText } from './memoize.ts';

/** A Hono app that caches the matched routes per method and path: matching one path again costs as much as reading the request. */
export function createHono(): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.router = memoizeMatches(app.router);
  return app;
}

/** The cache stays valid, because Hono's router refuses to add a route after the first request. */
function memoizeMatches<Handler>(router: Router<Handler>): Router<Handler> {
  const match = memoizeByText((request) => {
    const pathAt = request.indexOf(' ') + 1;
    return router.match(request.slice(0, pathAt - 1), request.slice(pathAt));
  });
  return {
    name: 'MemoizingRouter',
    add: (method, path, handler) => router.add(method, path, handler),
    match: (method, path) => match(`${method} ${path}`),
  };
}
