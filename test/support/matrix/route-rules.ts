import { digestOf } from '#src/core/ports/stores/code-packages.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { aliasesWith, logOf, namedWith } from './bodies.ts';
import { filtersOfAll, filtersWith } from './filters.ts';
import { sqlBodies } from './history-queries.ts';
import { nameOf, type Victim } from './victims.ts';

/** How the matrix calls one route. */
export type RouteRule = {
  /** Names of query parameters that the OpenAPI document does not list. */
  query?: readonly string[];
  /** A query that the route needs, as its caller writes it for the caller's own functions. */
  needs?: Readonly<Record<string, string>>;
  /** Bodies that name one value of the victim in each position. */
  bodies?: (value: string, victim: Victim) => unknown[];
  /** The reply has no end, so only its head is read. Its content has a test of its own. */
  isStream?: true;
  /** The reply about a function of the caller waits for its result, so the path names functions of the victim only. */
  waits?: true;
  /** The gateway refuses more than a few of these requests at one time, so they are sent one after another. */
  isLimited?: true;
  /** The reply depends on the number of earlier requests. */
  isCounted?: true;
  /** The reply names what earlier requests of the caller named. */
  repeatsCalls?: true;
};

/** The caller's own function and invocation, which make a request pass the path, so that its query and body are read. */
export const MINE = { function: 'mine', id: 'mine-1', alias: 'live' };
const F = '/v2/:project/fgs/functions';
const D = '/v2/:project/fgs/dependencies';
const inlineCode = { code_type: 'inline', func_code: { file: Buffer.from('exports.handler = () => 1').toString('base64') } };
const ownZip = (await writeZip([{ path: 'index.mjs', content: Buffer.from('export const handler = () => 1') }])).toString('base64');
const config = { runtime: 'Node.js20.15', timeout: 3, handler: 'index.handler', memory_size: 128 };

const destinationsTo = (value: string, { names }: Victim) =>
  [
    ['FunctionGraph', { func_urn: value }],
    ['DIS', { stream_name: value }],
    ['SMN', { topic_urn: value }],
    ['OBS', { bucket: value }],
  ].map(([destination, param]) => ({ destination, param: JSON.stringify({ ...(param as object), connection: `${names}-connection` }) }));

/** The definitions that name a value of the victim as code, or as a target. */
const definitionsWith = (value: string, victim: Victim): object[] => [
  { handler: { kind: 'inline' }, description: value },
  { handler: { kind: 'process', package: value, file: 'index.mjs' } },
  { handler: { kind: 'process', package: digestOf(Buffer.from(ownZip, 'base64')), layers: [value], file: 'index.mjs' } },
  { handler: { kind: 'process', file: value } },
  { handler: { kind: 'subject', subject: value.replaceAll(/[^\w.-]/g, '-') } },
  ...destinationsTo(value, victim).map((destination) => ({ handler: { kind: 'inline' }, policy: { onFailure: [destination] } })),
];

const reading: RouteRule = {};
const page: RouteRule = {};
const paging = ['marker', 'maxitems', 'limit'];

/** A rule for each route of the gateway. The matrix fails for a route without a rule. */
export const routeRules: Readonly<Record<string, RouteRule>> = {
  // Middleware, and calls that are not implemented.
  'ALL /*': reading,
  'ALL /v2/*': reading,
  'ALL /api/*': reading,
  'ALL /metrics': reading,
  ...Object.fromEntries(
    ['reservedinstances', 'reservedinstanceconfigs', 'statistics', 'import', 'enable-lts-logs'].map((name) => [
      `ALL ${F}/${name}`,
      reading,
    ]),
  ),

  // Pages: one document without data.
  ...Object.fromEntries(
    '/assets/* / /login /invocations/* /functions /functions/* /schedules /batches /batches/* /dead-letters /system'
      .split(' ')
      .map((path) => [`GET ${path}`, page]),
  ),
  'GET /healthz': reading,
  'GET /readyz': reading,
  'GET /metrics': reading,
  'GET /openapi.json': reading,
  'GET /api/session': reading,
  'POST /api/session': { bodies: (value) => [{ token: value }], isCounted: true },
  'DELETE /api/session': reading,

  // The vendor's API.
  [`POST ${F}/:urn/invocations-async`]: { bodies: (value) => [{ value }] },
  [`POST ${F}/:urn/invocations`]: { bodies: (value) => [value], waits: true },
  [`GET ${F}/:urn/async-invocations`]: { query: ['request_id', 'status', 'query_begin_time', 'query_end_time', ...paging] },
  [`GET ${F}/:urn/active-async-invocations`]: { query: ['requests', 'status', 'query_begin_time', 'query_end_time', ...paging] },
  [`POST ${F}/:urn/cancel`]: { bodies: (value) => [{ request_id: value }, { request_id: value, type: 'recursive' }] },
  [`POST ${F}/enable-async-status-logs`]: reading,
  [`GET ${F}/async-status-log-detail`]: reading,
  [`PUT ${F}/:urn/async-invoke-config`]: {
    bodies: (value, victim) => [
      ...destinationsTo(value, victim).flatMap((target) => [
        { destination_config: { on_success: target } },
        { destination_config: { on_failure: target } },
      ]),
      logOf(value.slice(0, 64)),
    ],
  },
  [`GET ${F}/:urn/async-invoke-config`]: reading,
  [`DELETE ${F}/:urn/async-invoke-config`]: reading,
  [`GET ${F}/:urn/async-invoke-configs`]: { query: paging },
  [`GET ${F}`]: { query: ['package_name', 'func_name', ...paging] },
  [`GET ${F}/:urn/config`]: reading,
  [`DELETE ${F}/:urn`]: reading,
  [`POST ${F}`]: {
    bodies: (value) => [
      { ...config, ...inlineCode, func_name: value, package: 'default' },
      { ...config, ...inlineCode, func_name: 'second', package: value, description: value, user_data: JSON.stringify({ value }) },
      { ...config, ...inlineCode, func_name: 'third', package: 'default', code_filename: value, depend_version_list: [value] },
    ],
  },
  [`PUT ${F}/:urn/config`]: {
    bodies: (value) => [
      { ...config, func_name: value },
      { ...config, func_name: MINE.function, handler: `${value}.handler`, description: value },
    ],
  },
  [`PUT ${F}/:urn/config-max-instance`]: { bodies: () => [{ max_instance_num: 7 }] },
  [`GET ${F}/:urn/code`]: reading,
  [`PUT ${F}/:urn/code`]: { bodies: (value) => [inlineCode, { ...inlineCode, code_filename: value }] },
  [`POST ${F}/:urn/versions`]: { bodies: (value) => [{ version: value }, { digest: value }, { description: value }] },
  [`GET ${F}/:urn/versions`]: { query: paging },
  [`POST ${F}/:urn/aliases`]: {
    bodies: (value) => [
      { name: value, version: 'v1' },
      { name: 'next', version: value },
      { name: 'next', version: 'v1', additional_version_weights: { [value]: 10 } },
    ],
  },
  [`GET ${F}/:urn/aliases`]: reading,
  [`GET ${F}/:urn/aliases/:alias`]: reading,
  [`PUT ${F}/:urn/aliases/:alias`]: { bodies: (value) => [{ version: value }, { version: 'v1', description: value }] },
  [`DELETE ${F}/:urn/aliases/:alias`]: reading,
  [`POST ${D}/version`]: {
    bodies: (value) => [{ depend_type: 'zip', depend_file: value, name: value, runtime: value, description: value }],
  },
  [`GET ${D}`]: reading,
  [`GET ${D}/:group/version`]: reading,
  [`GET ${D}/:group/version/:version`]: reading,
  [`DELETE ${D}/:group/version/:version`]: reading,
  'GET /v2/:project/fgs/quotas': reading,

  // Sequent's own API.
  'GET /api/transitions': { isStream: true },
  'GET /api/invocations/:id/events/stream': { isStream: true },
  'GET /api/invocations': reading,
  'GET /api/invocations/counts': reading,
  'POST /api/functions/:name/invocations': { bodies: (value) => [{ value }] },
  'POST /api/functions/:name/batches': { bodies: (value) => [{ value }], isLimited: true },
  ...Object.fromEntries(['', '/:id', '/:id/results'].map((end) => [`GET /api/batches${end}`, reading])),
  'POST /api/batches/:id/cancel': { bodies: (value) => [{ reason: value }, {}] },
  ...Object.fromEntries(['seal', 'redrive'].map((action) => [`POST /api/batches/:id/${action}`, { bodies: () => [{}] }])),
  'GET /api/invocations/:id': reading,
  'GET /api/invocations/:id/events': reading,
  'GET /api/invocations/:id/explain': reading,
  'GET /api/invocations/:id/payload': reading,
  'GET /api/invocations/:id/result': reading,
  'GET /api/invocations/:id/tree': reading,
  'POST /api/invocations/:id/redrive': { bodies: (value) => [{ payload: JSON.stringify(value) }] },
  'POST /api/invocations/:id/cancel': { bodies: (value) => [{ recursive: true, reason: value }] },
  'POST /api/invocations/:id/deliveries/:destination/redeliver': reading,
  'POST /api/invocations/:id/deliveries/:destination/give-up': { bodies: (value) => [{ note: value }] },
  'POST /api/invocations/:id/deliveries/:destination/dismiss': { bodies: (value) => [{ note: value }] },
  'POST /api/redrive': {
    bodies: (value) => [
      ...filtersWith(value).map((filter) => ({ filter })),
      { filter: { function: value }, cursor: value, dry_run: true, limit: 1 },
      { filter: { state: ['notified'], status: ['FAIL'], condition: ['UnhandledInvocationError'], from: 0, to: 2e12 } },
      ...filtersOfAll.map((filter) => ({ filter })),
      ...namedWith(value, MINE.function),
    ],
  },
  'POST /api/cancel': {
    bodies: (value) => [
      ...filtersWith(value).map((filter) => ({ filter, reason: value })),
      { filter: { function: value }, cursor: value, dry_run: true, limit: 1 },
      { filter: { state: ['queued', 'running', 'retrying'], from: 0, to: 2e12 } },
      { filter: { status: ['WAIT', 'RUNNING'], condition: ['UnhandledInvocationError'] } },
      ...filtersOfAll.map((filter) => ({ filter })),
      ...namedWith(value, MINE.function),
    ],
  },
  'POST /api/bulk': {
    bodies: (value) => [
      ...filtersWith(value).map((filter) => ({ action: 'cancel', filter, reason: value })),
      { action: 'cancel', filter: { state: ['queued', 'running', 'retrying'], from: 0, to: 2e12 } },
      { action: 'redrive', filter: { status: ['FAIL'], condition: ['UnhandledInvocationError'] } },
      ...filtersOfAll.map((filter) => ({ action: 'cancel', filter })),
      ...namedWith(value, MINE.function).map((body) => ({ action: 'redrive', ...body })),
      { action: 'purge', filter: { function: value, to: 1 }, reason: value },
      { action: 'purge', filter: { function: value, to: 1 }, dry_run: true },
    ],
    isCounted: true,
  },
  'GET /api/bulk': { isCounted: true, repeatsCalls: true },
  ...Object.fromEntries(['GET /api/bulk/:id', 'POST /api/bulk/:id/abort'].map((route) => [route, reading])),
  'GET /api/dead-letters': reading,
  'GET /api/dead-letters/groups': reading,
  'POST /api/dead-letters/redrive': {
    bodies: (value) => [
      {},
      { filter: { function: value } },
      { filter: { destination: 'functiongraph-0' }, rate: 1_000, limit: 1_000, dry_run: false },
      { filter: { destination: value }, cursor: value },
      { filter: { target: value, reason: value } },
    ],
  },
  'POST /api/dead-letters/dismiss': {
    bodies: (value) => [
      { note: value, filter: { function: value } },
      { note: 'done', filter: { target: value, reason: value } },
      { note: 'done', filter: { destination: value }, cursor: value, limit: 1_000, dry_run: false },
    ],
  },
  'GET /api/functions': reading,
  'GET /api/functions/:name': reading,
  'PUT /api/functions/:name': { bodies: definitionsWith },
  'PATCH /api/functions/:name/policy': {
    bodies: (value, victim) => destinationsTo(value, victim).flatMap((target) => [{ onSuccess: [target] }, { onFailure: [target] }]),
  },
  'DELETE /api/functions/:name/policy': reading,
  'POST /api/functions/:name/versions': { bodies: (value) => [{ version: 'v2', description: value }, { version: value }] },
  'DELETE /api/functions/:name/versions/:version': reading,
  'PUT /api/functions/:name/aliases/:alias': { bodies: aliasesWith },
  'DELETE /api/functions/:name/aliases/:alias': reading,
  'DELETE /api/functions/:name': reading,
  'POST /api/functions/:name/pause': reading,
  'POST /api/functions/:name/resume': reading,
  'GET /api/functions/:name/logs': reading,
  'GET /api/functions/:name/logs/stream': { isStream: true },
  'GET /api/functions/:name/code': reading,
  'GET /api/layers': reading,
  'GET /api/functions/:name/test-events': reading,
  'GET /api/functions/:name/test-events/:event': reading,
  'PUT /api/functions/:name/test-events/:event': { bodies: (value) => [{ value }] },
  'DELETE /api/functions/:name/test-events/:event': reading,
  'POST /api/functions/:name/packages': {
    bodies: (value) => [
      { handler: 'index.handler', base: value, files: [{ path: 'index.mjs', text: 'export const handler = () => 1' }] },
      { handler: value, initializer: value, runtime: value, files: [{ path: value, base64: '' }], base: value, removed: [value] },
      { handler: 'index.handler', zip: ownZip },
      { handler: 'index.handler', zip: ownZip, layers: [value] },
    ],
  },
  'GET /api/schedules': reading,
  'GET /api/schedules/:name': reading,
  'PUT /api/schedules/:name': {
    bodies: (value) => [
      { cron: '0 3 * * *', function: value },
      { cron: value.slice(0, 200), function: MINE.function },
      { cron: '0 0 29 2 *', function: MINE.function, qualifier: value.slice(0, 64), description: value, event: value },
      { cron: '0 3 * * *', function: MINE.function, time_zone: value.slice(0, 64), overlap: 'cancel', catch_up_ms: 60_000, jitter_ms: 7 },
    ],
  },
  'DELETE /api/schedules/:name': reading,
  ...Object.fromEntries(['pause', 'resume', 'run'].map((action) => [`POST /api/schedules/:name/${action}`, reading])),
  'GET /api/flow': reading,
  'GET /api/functions/:name/stats': reading,
  'GET /api/functions/:name/versions/stats': reading,
  'POST /api/functions/:name/aliases/:alias/promote': { bodies: (value) => [{ version: value }] },
  'POST /api/functions/:name/aliases/:alias/rollback': { bodies: (value) => [{ version: value }] },
  'GET /api/stats': reading,
  'GET /api/status-log': { needs: { function: MINE.function } },
  'GET /api/destinations/graph': reading,
  'GET /api/system': reading,
  'GET /api/machine': reading,
  'GET /api/audit': { isCounted: true, repeatsCalls: true },
  'POST /api/sql': { bodies: sqlBodies, isLimited: true },
  'POST /api/verify': { bodies: () => [{ from: 1, limit_ms: 1_000 }] },
};

/** The values of a parameter in a path: those of the victim, and one of the caller. */
export function pathValues(name: string, victim: Victim, project: string): { value: string; isMine: boolean }[] {
  const theirs = (values: readonly string[]) => values.map((value) => ({ value, isMine: false }));
  const mine = (value: string) => ({ value, isMine: true });
  switch (name) {
    case 'project':
      return [{ value: project, isMine: false }, ...theirs([victim.project])];
    case 'destination':
      return theirs(['functiongraph-0', nameOf(victim, 'failed')]);
    case 'alias':
      return [mine(MINE.alias), ...theirs(['live', `${victim.names}-alias`])];
    case 'id':
      return [mine(MINE.id), ...theirs(victim.values)];
    case 'event':
      return [mine('first'), ...theirs(victim.values)];
    case 'version':
      return [mine('v1'), ...theirs(victim.values)];
    case '*':
      return theirs(victim.values);
    default:
      return [mine(MINE.function), ...theirs(victim.values)];
  }
}
