import { Hono } from 'hono';
import type { Result, Router } from 'hono/router';
import type { GatewayEnv } from './ports.ts';

const MOST_REMEMBERED = 1_000;
/** A path may be as long as all headers together. */
const LONGEST_REMEMBERED = 512;

/**
 * An app that remembers which routes a path led to. Callers ask for the same few paths again and again; to find one among all routes anew costs
 * as much as Node needs to parse the request. When there are too many all are forgotten.
 */
export function createHono(): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.router = rememberMatches(app.router);
  return app;
}

function rememberMatches<Handler>(router: Router<Handler>): Router<Handler> {
  const known = new Map<string, Result<Handler>>();
  return {
    name: 'remembering',
    add(method, path, handler) {
      known.clear();
      router.add(method, path, handler);
    },
    match(method, path) {
      const key = `${method} ${path}`;
      const found = known.get(key);
      if (found !== undefined) return found;
      const matched = router.match(method, path);
      if (known.size >= MOST_REMEMBERED) known.clear();
      if (key.length <= LONGEST_REMEMBERED) known.set(key, matched);
      return matched;
    },
  };
}
