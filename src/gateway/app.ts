import { randomUUID } from 'node:crypto';
import type { Hono, Next } from 'hono';
import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { isTraceparent } from '#src/core/names/traceparent.ts';
import { addApi } from './api/api.ts';
import { toProblem } from './api/problem.ts';
import { authenticate } from './auth/authentication.ts';
import { addSessionRoutes } from './auth/session-routes.ts';
import { createConcurrencyLimit } from './http/concurrency-limit.ts';
import { HttpError, toHttpError } from './http/http-error.ts';
import { addPages } from './http/pages.ts';
import { setReplyHeader } from './http/reply-header.ts';
import { createHono } from './http/router.ts';
import { addHealth } from './operations/health.ts';
import { measureRequest } from './operations/measure-request.ts';
import { scopeMetrics } from './operations/scoped-metrics.ts';
import type { Call, Gateway, GatewayEnv } from './ports.ts';
import { scopeOf } from './scope.ts';
import { addVendorApi } from './vendor/vendor.ts';

/** The routes. Everything behind `authenticate` has its body read, and proved whose it is. */
export function createApp(gateway: Gateway): Hono<GatewayEnv> {
  const { metrics, logger, limits } = gateway;
  // A path is taken as it came: a function whose URN is percent-encoded is decoded once, by its route.
  const app = createHono();
  const projects = new Set(gateway.credentials.map(({ project }) => project)).size;
  const waiting = createConcurrencyLimit(limits.waiting, projects);

  app.use('*', async (call, next) => {
    const startedAt = performance.now();
    nameRequest(call);
    await next();
    measureRequest(metrics, call, startedAt);
  });
  app.onError((thrown, call) => {
    const error = toHttpError(thrown);
    if (error.status >= 500 && error.status !== 501)
      logger.warn({ request: call.get('requestId'), path: call.req.path, error: String(error.cause ?? error) }, 'a request failed');
    return errorReply(call, error);
  });

  // Probes come under any name, and learn nothing but that the gateway runs.
  addHealth(app, gateway);
  app.use('*', async (call, next) => {
    gateway.checkOrigin(call);
    await next();
  });
  const pageOf = addPages(app);
  app.notFound((call) => pageOf(call) ?? errorReply(call, new HttpError({ status: 404, message: 'there is nothing at this path' })));

  addSessionRoutes(app, gateway);
  const inFlight = createConcurrencyLimit(limits.requestsInFlight, projects);
  // Those that wait for an event are bounded by a room of their own; they do not keep the others out.
  const mayWait = createConcurrencyLimit(limits.requestsInFlight + limits.waiting, projects);
  const prove = authenticate({ ...gateway, maxBytes: maxBytesOf });
  async function guard(call: Call, next: Next): Promise<void> {
    // An answer belongs to the credential of its request; no cache between may give it to another caller.
    setReplyHeader(call, 'Cache-Control', 'no-store');
    const leave = await prove(call, waits(call) ? mayWait : inFlight);
    try {
      await next();
    } finally {
      leave();
    }
  }
  for (const path of ['/v2/*', '/api/*', '/metrics']) app.use(path, guard);
  app.get('/metrics', async (call) => {
    const scope = scopeOf(call, gateway);
    const text = scopeMetrics(await metrics.render(), scope, scope.project === gateway.tenancy.project);
    return call.text(text, 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' });
  });
  addVendorApi(app, gateway, waiting);
  const document = addApi(app, gateway, waiting);
  app.get('/openapi.json', (call) => call.json(document));
  return app;
}

/** Every reply carries the name of its request: the caller's, when it is one. */
function nameRequest(call: Call): void {
  const given = call.req.header('x-request-id');
  const name = given !== undefined && /^[A-Za-z0-9_-]{1,64}$/.test(given) ? given : randomUUID();
  call.set('requestId', name);
  setReplyHeader(call, 'X-Request-Id', name);
  setReplyHeader(call, 'X-Content-Type-Options', 'nosniff');
  const traceparent = call.req.header('traceparent');
  // Unless the route knows a newer one: that of the request it accepted.
  if (traceparent !== undefined && isTraceparent(traceparent)) setReplyHeader(call, 'traceparent', traceparent);
}

/** In the vendor's shape for the vendor's API, as a problem elsewhere. */
function errorReply(call: Call, error: HttpError): Response {
  if (error.retryAfterInS !== undefined) call.header('Retry-After', String(error.retryAfterInS));
  // What the caller repeats the request with.
  if (error.retryKey !== undefined) call.header('Idempotency-Key', error.retryKey);
  // What is left of a body that nobody reads would be taken for the next request.
  if (error.status === 413) call.header('Connection', 'close');
  const status = error.status as 400;
  // Whoever speaks for a project knows its functions by their bare names.
  const project = call.get('project');
  const detail = project === undefined ? error.message : error.message.replaceAll(`${project}=`, '');
  if (/^\/v[12]\//.test(call.req.path))
    return call.json({ error_code: error.vendorCode, error_msg: detail, request_id: call.get('requestId') }, status);
  return call.json({ ...toProblem(error), detail }, status, { 'Content-Type': 'application/problem+json' });
}

function waits({ req }: Call): boolean {
  return (
    req.path.endsWith('/invocations') ||
    req.path.endsWith('/events/stream') ||
    req.path === '/api/transitions' ||
    req.header('prefer') !== undefined
  );
}

const KB = 1_024;
/** A package of 24 MB, in base64. */
const MAX_PACKAGE_BYTES = 32 * KB * KB;
const MAX_BATCH_BYTES = 8 * KB * KB;

/** The most bytes that are read of a body. One more than an event may have, so that the event is refused by its own rule. */
function maxBytesOf(path: string): number {
  if (/^\/v2\/[^/]+\/fgs\/functions(?:\/[^/]+\/code)?$/.test(path)) return MAX_PACKAGE_BYTES;
  if (path.startsWith('/api/') && path.endsWith('/invocations')) return MAX_BATCH_BYTES;
  return MAX_PAYLOAD_BYTES;
}
