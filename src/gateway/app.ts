import { randomUUID } from 'node:crypto';
import type { Hono, Next } from 'hono';
import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { isTraceparent } from '#src/core/names/traceparent.ts';
import { threadTime } from '#src/core/quotas/thread-time.ts';
import { addApi } from './api/api.ts';
import { toProblem } from './api/problem.ts';
import { authenticate } from './auth/authentication.ts';
import { clientCertificateOf } from './auth/client-certificate.ts';
import { addSessionRoutes } from './auth/session-routes.ts';
import { answerInTime, restOf, unanswered } from './http/answer-deadline.ts';
import { createConcurrencyLimit } from './http/concurrency-limit.ts';
import { HttpError, hadNoAnswer, toHttpError } from './http/http-error.ts';
import { addPages } from './http/pages.ts';
import { setReplyHeader } from './http/reply-header.ts';
import { checkTarget, sentTargetOf } from './http/request-target.ts';
import { createHono } from './http/router.ts';
import { createStartsPerTurn } from './http/starts-per-turn.ts';
import { measureRequest } from './metrics/measure-request.ts';
import { scopeMetrics } from './metrics/scoped-metrics.ts';
import { addHealth } from './operations/health.ts';
import type { Call, Gateway, GatewayEnv } from './ports.ts';
import { type Scope, scopeOf } from './scope.ts';
import { addVendorApi } from './vendor/vendor.ts';

/** All routes. A route behind `authenticate` runs with its body read and its caller authenticated. */
export function createApp(gateway: Gateway): Hono<GatewayEnv> {
  const { metrics, logger, limits } = gateway;
  const app = createHono();
  const projects = (): number => gateway.credentials.projects;
  const waiting = createConcurrencyLimit(limits.waiting, projects);

  app.use('*', async (call, next) => {
    const startedAt = performance.now();
    setRequestId(call);
    requireHttps(call);
    await next();
    measureRequest(metrics, call, startedAt);
    gateway.recorder.record(call);
  });
  app.onError((thrown, call) => {
    const error = hadNoAnswer(thrown) ? unanswered(call, 'NATS did not answer', thrown) : toHttpError(thrown);
    if (error.status >= 500 && error.status !== 501)
      logger.warn({ request: call.get('requestId'), path: call.req.path, error: String(error.cause ?? error) }, 'a request failed');
    return errorReply(call, error, scopeOf(call, gateway));
  });

  app.use('*', async (call, next) => {
    checkTarget(call);
    await next();
  });
  // Probes precede `checkOrigin`: their Host header may be any name, they have no certificate, and their reply contains no data.
  addHealth(app, gateway);
  app.use('*', async (call, next) => {
    checkCertificate(call, gateway);
    gateway.checkOrigin(call);
    await next();
  });
  const pageOf = addPages(app);
  app.notFound(
    async (call) =>
      (await pageOf(call)) ??
      errorReply(call, new HttpError({ status: 404, message: 'there is nothing at this path' }), scopeOf(call, gateway)),
  );

  addSessionRoutes(app, gateway);
  const inFlight = createConcurrencyLimit(limits.requestsInFlight, projects);
  // Requests that may wait have a limit of their own, so that waiting requests do not exhaust the limit of the others.
  const inFlightOrWaiting = createConcurrencyLimit(limits.requestsInFlight + limits.waiting, projects);
  const startInTurn = createStartsPerTurn(STARTS_PER_TURN, projects);
  const admit = authenticate({ ...gateway, maxBytes: maxBytesOf, isStreamed });
  async function guard(call: Call, next: Next): Promise<void> {
    // A reply belongs to the credential of its request: a cache in between must not serve it to another caller.
    setReplyHeader(call, 'Cache-Control', 'no-store');
    const release = await admit(call, mayWait(call) ? inFlightOrWaiting : inFlight);
    const turn = startInTurn(call.get('project'));
    if (turn !== undefined) await turn;
    // A route reads its body before it waits for the first time.
    const work = threadTime.spend(call.get('project'), () => restOf(next, release));
    await answerInTime(call, { work, client: gateway.client });
  }
  for (const path of ['/v2/*', '/api/*', '/metrics']) app.use(path, guard);
  app.get('/metrics', async (call) => {
    const scope = scopeOf(call, gateway);
    const isOfAll = scope.project === gateway.tenancy.project;
    const text = scopeMetrics(await metrics.render(isOfAll), scope, isOfAll);
    return call.text(text, 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' });
  });
  addVendorApi(app, gateway, waiting);
  addApi(app, gateway, waiting);
  return app;
}

/** So many requests of a project take about 5 ms together. */
const STARTS_PER_TURN = 16;

const HSTS = 'max-age=31536000';
/** Names that other servers of the user's machine have too, and addresses, for which browsers ignore the header. */
const notHsts = /^https:\/\/(?:localhost|[\d.]+|\[[\da-f:.]+\])(?::\d+)?\//i;

/** Over TLS, tells browsers to reach this name by HTTPS only, for a year. */
function requireHttps(call: Call): void {
  const { url } = call.req;
  if (url.startsWith('https:') && !notHsts.test(url)) setReplyHeader(call, 'Strict-Transport-Security', HSTS);
}

/** With `--http-tls-client-auth require`, refuses a connection without a valid client certificate: throws `HttpError` 403. */
function checkCertificate(call: Call, { tls, clock }: Gateway): void {
  if (tls?.clientAuth !== 'require') return;
  const certificate = clientCertificateOf(call.env?.incoming?.socket, clock.now());
  if (certificate !== undefined && 'endsAt' in certificate) return;
  const why = certificate === undefined ? '' : `; the one that was presented does not count: ${certificate.problem}`;
  throw new HttpError({ status: 403, message: `this gateway requires a client certificate (--http-tls-client-auth require)${why}` });
}

/** Every reply carries an `X-Request-Id`: the caller's if it is valid, else a new one. */
function setRequestId(call: Call): void {
  const given = call.req.header('x-request-id');
  const id = given !== undefined && /^[A-Za-z0-9_-]{1,64}$/.test(given) ? given : randomUUID();
  call.set('requestId', id);
  setReplyHeader(call, 'X-Request-Id', id);
  setReplyHeader(call, 'X-Content-Type-Options', 'nosniff');
  const traceparent = call.req.header('traceparent');
  // A route that accepts a request overwrites this header with the trace context of that request.
  if (traceparent !== undefined && isTraceparent(traceparent)) setReplyHeader(call, 'traceparent', traceparent);
}

/** The error in the vendor's shape for the vendor's API, and as a problem (RFC 9457) elsewhere. */
function errorReply(call: Call, error: HttpError, { nameOf }: Scope): Response {
  if (error.retryAfterInS !== undefined) call.header('Retry-After', String(error.retryAfterInS));
  if (error.retryKey !== undefined) call.header('Idempotency-Key', error.retryKey);
  // The unread remainder of the body would be parsed as the next request.
  if (error.status === 413) call.header('Connection', 'close');
  const status = error.status as 400;
  if (/^\/v[12]\//.test(sentTargetOf(call).path))
    return call.json({ error_code: error.vendorCode, error_msg: error.messageFor(nameOf), request_id: call.get('requestId') }, status);
  return call.json(toProblem(error, nameOf), status, { 'Content-Type': 'application/problem+json' });
}

function mayWait({ req }: Call): boolean {
  return (
    req.path.endsWith('/invocations') ||
    req.path.endsWith('/events/stream') ||
    req.path === '/api/transitions' ||
    req.header('prefer') !== undefined
  );
}

const KB = 1_024;
/** A code package of 24 MB in base64. */
const MAX_PACKAGE_BYTES = 32 * KB * KB;
const MAX_BATCH_BYTES = 8 * KB * KB;

/** The largest body that is read for a path, in bytes. */
function maxBytesOf(path: string): number {
  if (/^\/v2\/[^/]+\/fgs\/(?:functions(?:\/[^/]+\/code)?|dependencies\/version)$/.test(path)) return MAX_PACKAGE_BYTES;
  if (/^\/api\/functions\/[^/]+\/packages$/.test(path)) return MAX_PACKAGE_BYTES;
  if (path.startsWith('/api/') && (path.endsWith('/invocations') || batchPath.test(path))) return MAX_BATCH_BYTES;
  return MAX_PAYLOAD_BYTES;
}

const batchPath = /^\/api\/functions\/[^/]+\/batches$/;

/** A batch is read while its lines are accepted. */
function isStreamed({ req }: Call): boolean {
  return req.method === 'POST' && batchPath.test(req.path);
}
