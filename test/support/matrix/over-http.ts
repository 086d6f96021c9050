const F = '/v2/:project/fgs/functions';
/** The routes that are called over HTTP, one of each kind of reply and body. The gateway answers all others without a connection. */
export const overHttp: ReadonlySet<string> = new Set([
  'ALL /*',
  'GET /metrics',
  'GET /assets/*',
  'GET /api/invocations',
  'GET /api/invocations/:id',
  'PUT /api/functions/:name',
  'POST /api/functions/:name/invocations',
  'POST /api/functions/:name/batches',
  'GET /api/functions/:name/logs/stream',
  `GET ${F}/:urn/async-invocations`,
  `POST ${F}/:urn/invocations`,
  `POST ${F}/:urn/invocations-async`,
]);
