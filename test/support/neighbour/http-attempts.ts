import { z } from 'zod';
import { functionDefinitionSchema, policySchema } from '#src/core/functions/definition.ts';
import { scheduleInputSchema } from '#src/core/schedules/schedule.ts';
import { codeSchema, configSchema, createFunctionSchema } from '#src/gateway/vendor/functions/create-function.ts';
import { routeRules } from '#test/support/matrix/route-rules.ts';
import { OTHER } from '#test/support/matrix/victims.ts';
import { firstText, type Hostile, hostileTexts } from './hostile-texts.ts';
import { type Field, fieldsOf, type Schema } from './schema-fields.ts';

/** One request of the neighbour, with one hostile text in one position. */
export type HttpAttempt = {
  /** The route, the position and the kind of the text. */
  name: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
  /** The reply has no end, so only its head is read. */
  isStream: boolean;
};

/** The neighbour's own function and invocation, which make a request pass until the hostile position is read. */
export const MINE = { function: 'mine', id: 'mine-1', alias: 'live', version: 'v1', event: 'first', destination: 'functiongraph-0' };

/** How many texts each position gets. Neighbouring positions get texts of different kinds, and each variant begins with another text. */
const textsForEach = (): number => Number(process.env.SEQUENT_NEIGHBOUR_TEXTS ?? 1);

type Operation = {
  parameters?: readonly { in: string; name: string }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
};
export type Document = { paths: Record<string, Record<string, Operation>> };

const V2 = '/v2/:project/fgs/functions';
const inputOf = (schema: z.ZodType): Schema => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;

/** The schemas of bodies that the OpenAPI document leaves open, because their handlers parse them. */
const parsedByHandlers: Readonly<Record<string, Schema>> = {
  'PUT /api/functions/:name': inputOf(functionDefinitionSchema.omit({ name: true })),
  'PATCH /api/functions/:name/policy': inputOf(policySchema.partial()),
  'PUT /api/schedules/:name': inputOf(scheduleInputSchema),
  [`POST ${V2}`]: inputOf(createFunctionSchema),
  [`PUT ${V2}/:urn/config`]: inputOf(configSchema),
  [`PUT ${V2}/:urn/code`]: inputOf(codeSchema),
};

/** Headers that the gateway reads on many routes. The document names those of each route. */
const COMMON_HEADERS = [
  'Flow-Key',
  'Priority',
  'Prefer',
  'If-Match',
  'X-Request-Id',
  'Traceparent',
  'Accept-Language',
  'Last-Event-ID',
  'Cookie',
  'X-Forwarded-For',
];

/** Every position of every route with texts, each text at another position. `routes` are those of the router. */
export function httpAttempts(routes: readonly string[], document: Document, project: string): HttpAttempt[] {
  let next = firstText();
  const length = textsForEach();
  const texts = (): Hostile[] =>
    Array.from({ length }, () => hostileTexts[next++ % hostileTexts.length] ?? { kind: 'control', text: '\0' });
  const operations = operationsOf(document);
  return routes.flatMap((route) => {
    const operation = operations.get(route) ?? {};
    return positionsOf(route, operation, project).flatMap(({ name, request }) =>
      texts().flatMap(({ kind, text }) => attemptOf(`${route} ${name} ${kind}`, route, request, text) ?? []),
    );
  });
}

type Request = { path: string; query?: Record<string, string>; headers?: Record<string, string>; body?: unknown };
type Position = { name: string; request: (text: string) => Request };

function positionsOf(route: string, operation: Operation, project: string): Position[] {
  const rule = routeRules[route] ?? {};
  const pattern = route.split(' ')[1] ?? '';
  const path = pathOf(pattern, project);
  const given = { path, query: { ...rule.needs } };
  const named = (where: string) => (operation.parameters ?? []).filter((one) => one.in === where).map(({ name }) => name);
  const fields = bodyFieldsOf(route, operation);
  const body = fields[0]?.build('mine');
  return [
    ...[...pattern.matchAll(/:(\w+)|\*/g)].map(
      ([parameter]): Position => ({
        name: parameter,
        request: (text) => ({ ...given, path: pathOf(pattern, project, { [parameter]: text }), body }),
      }),
    ),
    ...[...named('query'), ...(rule.query ?? [])].map(
      (name): Position => ({
        name: `?${name}`,
        request: (text) => ({ path, query: { ...rule.needs, [name]: text }, body }),
      }),
    ),
    ...[...new Set([...named('header'), ...COMMON_HEADERS.slice(0, isApi(route) ? undefined : 0)])].map(
      (name): Position => ({
        name,
        request: (text) => ({ ...given, headers: { [name]: text }, body }),
      }),
    ),
    ...fields.map(({ name, build }): Position => ({ name: `body${name}`, request: (text) => ({ ...given, body: build(text) }) })),
  ];
}

const isApi = (route: string): boolean => /^(?:POST|PUT) \/(?:api|v2)\/.*invocations/.test(route);

/** The positions in the body: of its schema, and of each example in the matrix, whose every text is replaced in turn. */
function bodyFieldsOf(route: string, { requestBody }: Operation): Field[] {
  const schema = parsedByHandlers[route] ?? requestBody?.content['application/json']?.schema;
  const examples = routeRules[route]?.bodies?.('mine', OTHER) ?? [];
  const ofSchema = schema === undefined ? [] : fieldsOf(schema);
  // A route whose handler reads any value: the whole value, and a value with any name.
  const open: Field[] = examples.length > 0 || schema !== undefined ? [{ name: '{any}', build: (text) => ({ [text]: text }) }] : [];
  return [...ofSchema, ...examples.flatMap((example) => textsIn(example)), ...open];
}

function textsIn(example: unknown, name = ''): Field[] {
  if (typeof example === 'string') return [{ name: `=${name}`, build: (text) => text }];
  if (typeof example !== 'object' || example === null) return [];
  return Object.entries(example).flatMap(([key, inner]) =>
    textsIn(inner, `${name}.${key}`).map((field) => ({
      name: field.name,
      build: (text: string) =>
        Array.isArray(example) ? example.with(Number(key), field.build(text)) : { ...example, [key]: field.build(text) },
    })),
  );
}

/** The longest text in a path or a header: Node refuses a longer head before the gateway sees it. */
const MAX_HEAD = 2_000;

function pathOf(pattern: string, project: string, replaced: Readonly<Record<string, string>> = {}): string {
  const own: Record<string, string> = { ':project': project, ':id': MINE.id, ':alias': MINE.alias, ':version': MINE.version };
  const more: Record<string, string> = { ':event': MINE.event, ':destination': MINE.destination, '*': 'x' };
  return pattern.replaceAll(/:\w+|\*/g, (name) =>
    encodeText((replaced[name] ?? own[name] ?? more[name] ?? MINE.function).slice(0, MAX_HEAD)),
  );
}

/** A lone surrogate has no form in UTF-8. Dots are encoded, too, because a URL with the segment `..` is another URL. */
function encodeText(text: string): string {
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\ufffd')).replaceAll('.', '%2E');
}

/** `undefined` when no HTTP request can have the text in this position. */
function attemptOf(name: string, route: string, make: (text: string) => Request, text: string): HttpAttempt | undefined {
  const [method = 'GET'] = route.split(' ');
  const { path, query = {}, headers = {}, body } = make(text);
  const search = Object.entries(query).map(([key, value]) => `${encodeText(key)}=${encodeText(value.slice(0, MAX_HEAD))}`);
  const sent = Object.fromEntries(
    Object.entries(headers).map(([key, value]) => [key, Buffer.from(value).toString('latin1').slice(0, MAX_HEAD)]),
  );
  if (Object.values(sent).some((value) => /[^\t\x20-\x7e\x80-\xff]/.test(value))) return undefined;
  const hasBody = method !== 'GET' && body !== undefined;
  return {
    name,
    method: method === 'ALL' ? 'POST' : method,
    path: path + (search.length === 0 ? '' : `?${search.join('&')}`),
    headers: { 'content-type': 'application/json', ...sent },
    body: hasBody ? JSON.stringify(body) : undefined,
    isStream: routeRules[route]?.isStream === true,
  };
}

function operationsOf({ paths }: Document): Map<string, Operation> {
  return new Map(
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]): [string, Operation] => [
        `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
        operation,
      ]),
    ),
  );
}

/** Bodies that are hostile as a whole: deep, of many values, of one long text, and no UTF-8. */
export function wholeBodies(): { kind: string; body: string }[] {
  return [
    { kind: 'deep array', body: '['.repeat(100_000) },
    { kind: 'deep object', body: `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}` },
    { kind: 'many values', body: `[${'[],'.repeat(400_000)}[]]` },
    { kind: 'many names', body: `{${Array.from({ length: 60_000 }, (_, index) => `"k${index}":1`).join(',')}}` },
    { kind: 'one text', body: JSON.stringify('x'.repeat(5_000_000)) },
    { kind: 'escapes', body: `"${'\\u0000'.repeat(200_000)}"` },
    { kind: 'prototype', body: '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}' },
    { kind: 'equal names', body: `{${'"a":1,'.repeat(50_000)}"a":2}` },
    { kind: 'number', body: `${'9'.repeat(100_000)}` },
  ];
}
