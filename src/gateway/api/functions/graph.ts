import type { z } from 'zod';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { whenInWords } from '#src/core/functions/when/when-in-words.ts';
import { parseFunctionUrn } from '#src/core/names/urn.ts';
import { untoldFunctions } from '#src/functions/dependents.ts';
import type { Gateway } from '../../ports.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import type { Routes } from '../route.ts';
import { graphSchema } from './function-schemas.ts';

type Graph = z.infer<typeof graphSchema>;
type Policy = FunctionEntry['definition']['policy'];
type Destination = Policy['onSuccess'][number];

/** The graph of destinations: functions, their versions and aliases, and the external targets. */
export function addGraphRoute(routes: Routes, gateway: Gateway): void {
  routes.add(
    {
      method: 'get',
      path: '/api/destinations/graph',
      summary: 'The destinations of all functions as a graph, and the loops in it',
      answers: { 200: { description: 'nodes, edges and loops', schema: graphSchema } },
    },
    async (call) => {
      const scope = scopeOf(call, gateway);
      const entries = (await gateway.client.functions.list()).filter(({ definition }) => scope.owns(definition.name));
      const filters = gateway.resultFilters === undefined ? [] : await gateway.resultFilters();
      const untold = filters && untoldFunctions(entries, filters, scope.nameOf);
      return call.json(
        withoutUndefined({
          ...graphOf(entries, scope),
          untold: untold?.map(({ name, from }) => ({ function: scope.nameOf(name), from })),
        }),
      );
    },
  );
}

function graphOf(entries: readonly FunctionEntry[], scope: Scope): Graph {
  const nodes = new Map<string, Graph['nodes'][number]>();
  const edges = new Map<string, Graph['edges'][number]>();
  // The id of a function of a package names its version, because it would be the id of a version without.
  const addFunction = (token: string, qualifier: string): string => {
    const name = scope.nameOf(token);
    const id = qualifier === 'latest' && !name.includes(':') ? name : `${name}:${qualifier}`;
    nodes.set(id, { id, function: name, kind: 'function', ...(qualifier === 'latest' ? {} : { qualifier }) });
    return id;
  };
  const addTarget = (destination: string, param: string): string => {
    const id = `${destination} ${param}`;
    nodes.set(id, { id, function: destination, kind: 'target' });
    return id;
  };
  const addPolicy = (from: string, policy: Policy): void => {
    for (const [list, when] of [
      [policy.onSuccess, 'success'],
      [policy.onFailure, 'failure'],
    ] as const) {
      for (const one of list) {
        const { destination } = one;
        const target = functionIn(one);
        const to = target === undefined ? addTarget(destination, one.param) : addFunction(target.name, target.qualifier);
        const only_when = one.when && whenInWords(one.when);
        edges.set(`${from}\n${to}\n${when}\n${only_when}`, withoutUndefined({ from, to, when, destination, only_when }));
      }
    }
  };
  for (const { definition, versions, aliases } of entries) {
    addPolicy(addFunction(definition.name, 'latest'), definition.policy);
    for (const one of versions) addPolicy(addFunction(definition.name, one.version), one.definition.policy);
    for (const { name, policy } of aliases) {
      const id = addFunction(definition.name, `!${name}`);
      if (policy !== undefined) addPolicy(id, policy);
    }
  }
  const all = [...edges.values()];
  return { nodes: [...nodes.values()], edges: all, loops: loopsOf([...nodes.keys()], all) };
}

function functionIn({ destination, param }: Pick<Destination, 'destination' | 'param'>): { name: string; qualifier: string } | undefined {
  if (destination !== 'FunctionGraph') return undefined;
  try {
    const { name, qualifier } = parseFunctionUrn(String((JSON.parse(param) as { func_urn?: unknown }).func_urn));
    return { name, qualifier };
  } catch {
    return undefined;
  }
}

const MAX_LOOPS = 50;

/** The shortest loop through each node, listed once for all of its nodes. */
function loopsOf(ids: readonly string[], edges: Graph['edges']): string[][] {
  const next = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of edges) next.get(from)?.push(to);
  const found = new Map<string, string[]>();
  for (const start of ids) {
    const loop = shortestBack(start, next);
    if (loop !== undefined && found.size < MAX_LOOPS) found.set([...new Set(loop)].sort().join('\n'), loop);
  }
  return [...found.values()];
}

function shortestBack(start: string, next: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const to of next.get(at) ?? []) {
      if (to === start) return pathTo(at, cameFrom, start);
      if (cameFrom.has(to)) continue;
      cameFrom.set(to, at);
      queue.push(to);
    }
  }
  return undefined;
}

function pathTo(end: string, cameFrom: ReadonlyMap<string, string>, start: string): string[] {
  const path = [start];
  for (let at: string | undefined = end; at !== undefined && at !== start; at = cameFrom.get(at)) path.unshift(at);
  return [start, ...path];
}
