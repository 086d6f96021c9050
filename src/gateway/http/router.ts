import { Hono } from 'hono';
import type { Router } from 'hono/router';
import type { GatewayEnv } from '#src/gateway/ports.ts';
import { rememberByText } from './remember.ts';

/** An app that remembers which routes a path led to: to find one among all of them anew costs as much as reading the request. */
export function createHono(): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.router = rememberMatches(app.router);
  return app;
}

/** No route is added after the first request: hono's own router refuses it. */
function rememberMatches<Handler>(router: Router<Handler>): Router<Handler> {
  const match = rememberByText((request) => {
    const pathAt = request.indexOf(' ') + 1;
    return router.match(request.slice(0, pathAt - 1), request.slice(pathAt));
  });
  return {
    name: 'RememberingRouter',
    add: (method, path, handler) => router.add(method, path, handler),
    match: (method, path) => match(`${method} ${path}`),
  };
}
