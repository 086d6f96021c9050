import { pathValues, type RouteRule } from './route-rules.ts';
import type { Victim } from './victims.ts';

/** One request of the matrix. */
export type Call = {
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: unknown;
  /** Whether the request names something that the caller does not have, so that it changes nothing and needs no order. */
  isForeign: boolean;
};

/** What the OpenAPI document says of a route. */
export type Documented = { query: readonly string[]; headers: readonly string[]; bodyFields: ReadonlySet<string> };

type Options = { route: string; rule: RouteRule; documented: Documented; victim: Victim; project: string };

/** Every request for a route with values of the victim in each position of the path, the query, the headers and the body. */
export function callsOf({ route, rule, documented, victim, project }: Options): Call[] {
  const [routeMethod = '', pattern = ''] = route.split(' ');
  const method = routeMethod === 'ALL' ? 'POST' : routeMethod;
  const names = [...new Set([...documented.query, ...(rule.query ?? [])])];
  const paths = pathsOf(pattern, victim, project).filter(({ isForeign }) => isForeign || rule.waits !== true);
  return paths.flatMap(({ path, isForeign }, index) => {
    // Each query and body is combined with one path of the victim, and with the path that names something of the caller.
    const values = isForeign && pattern.includes(':') ? [victim.values[index % victim.values.length] ?? ''] : victim.values;
    const bare = { method, isForeign, headers: { 'if-match': '*' } };
    const queries = values.flatMap((value) => names.map((name) => queryOf({ ...rule.needs, [name]: value })));
    const headers = documented.headers
      .filter((name) => name === 'Idempotency-Key')
      .flatMap((name) => values.map((value) => ({ [name]: value })));
    const bodies = rule.bodies === undefined ? [undefined] : values.flatMap((value) => rule.bodies?.(value, victim));
    const [body] = bodies;
    return [
      ...bodies.map((one) => ({ ...bare, path: path + queryOf(rule.needs ?? {}), body: one })),
      ...queries.map((query) => ({ ...bare, path: path + query, body, isForeign: true })),
      ...headers.map((more) => ({ ...bare, path, body, headers: { ...bare.headers, ...more } })),
    ];
  });
}

function pathsOf(pattern: string, victim: Victim, project: string): { path: string; isForeign: boolean }[] {
  const parts = pattern.split(/(:\w+|\*)/);
  return parts.reduce(
    (paths, part) => {
      const name = part === '*' ? part : /^:(\w+)$/.exec(part)?.[1];
      if (name === undefined) return paths.map(({ path, isForeign }) => ({ path: path + part, isForeign }));
      return paths.flatMap(({ path, isForeign }) =>
        pathValues(name, victim, project).map(({ value, isMine }) => ({
          path: path + encodeURIComponent(value),
          isForeign: isForeign && !isMine,
        })),
      );
    },
    [{ path: '', isForeign: true as boolean }],
  );
}

function queryOf(query: Readonly<Record<string, string>>): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? '' : `?${text}`;
}

type Schema = { properties?: Record<string, Schema>; items?: Schema; anyOf?: Schema[]; allOf?: Schema[] };
type Operation = {
  parameters?: { in: string; name: string }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
};

/** What an OpenAPI document says of each route, by the name that the router gives to the route. */
export function documentedRoutes({ paths }: { paths: Record<string, Record<string, Operation>> }): Map<string, Documented> {
  return new Map(
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { parameters = [], requestBody }]): [string, Documented] => {
        const named = (position: string) => parameters.filter((one) => one.in === position).map(({ name }) => name);
        const schema = requestBody?.content['application/json']?.schema;
        return [
          `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
          { query: named('query'), headers: named('header'), bodyFields: new Set(schema === undefined ? [] : fieldsIn(schema)) },
        ];
      }),
    ),
  );
}

function fieldsIn({ properties = {}, items, anyOf = [], allOf = [] }: Schema): string[] {
  const nested = [...Object.values(properties), ...(items === undefined ? [] : [items]), ...anyOf, ...allOf];
  return [...Object.keys(properties), ...nested.flatMap(fieldsIn)];
}

/** The names of all fields of a value. */
export function fieldNames(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, nested]) => [...(Array.isArray(value) ? [] : [name]), ...fieldNames(nested)]);
}
