import type { DestinationGraph } from '#src/gateway/api/functions/function-schemas.ts';
import { backwardPath, forwardPath, GAP, NODE, type Point } from './graph-paths.ts';

type Node = DestinationGraph['nodes'][number];
type Edge = DestinationGraph['edges'][number];
export type PositionedNode = Node & Point & { isInLoop: boolean };
type PositionedEdge = Edge & { path: string; isInLoop: boolean };
export type PositionedGraph = { width: number; height: number; nodes: readonly PositionedNode[]; edges: readonly PositionedEdge[] };

/** The space between components. */
const SPACE = 36;

/**
 * Lays out the graph of destinations.
 *
 * A function is left of its destinations. Components are drawn side by side and wrap at `maxWidth`; those with a loop come first.
 * Edges to the right run between the nodes. Edges back, which every loop has, run below all nodes of their component.
 */
export function layOutGraph({ nodes, edges, loops }: DestinationGraph, maxWidth = 1_360): PositionedGraph {
  const inLoop = new Set(loops.flat());
  const loopEdges = new Set(loops.flatMap((loop) => loop.slice(1).map((to, index) => `${loop[index]}\n${to}`)));
  const components = componentsOf(edges)
    .map((component) => layOutComponent(component))
    .sort((one, other) => Number(other.ids.some((id) => inLoop.has(id))) - Number(one.ids.some((id) => inLoop.has(id))));
  const positions = new Map<string, Point>();
  const paths = new Map<Edge, string>();
  let origin: Point = { x: 0, y: 0 };
  let rowHeight = 0;
  let width = 0;
  for (const component of components) {
    if (origin.x > 0 && origin.x + component.width > maxWidth) {
      origin = { x: 0, y: origin.y + rowHeight + SPACE };
      rowHeight = 0;
    }
    for (const [id, { x, y }] of component.positions) positions.set(id, { x: x + origin.x, y: y + origin.y });
    for (const [edge, pathAt] of component.paths) paths.set(edge, pathAt(origin));
    width = Math.max(width, origin.x + component.width);
    rowHeight = Math.max(rowHeight, component.height);
    origin = { x: origin.x + component.width + SPACE, y: origin.y };
  }
  return {
    width,
    height: origin.y + rowHeight,
    nodes: nodes.flatMap((node) => {
      const position = positions.get(node.id);
      return position === undefined ? [] : [{ ...node, ...position, isInLoop: inLoop.has(node.id) }];
    }),
    edges: edges.map((edge) => ({ ...edge, path: paths.get(edge) ?? '', isInLoop: loopEdges.has(`${edge.from}\n${edge.to}`) })),
  };
}

/** The components of the graph that contain a function, or a version or an alias of it. */
export function connectedTo(name: string, graph: DestinationGraph): DestinationGraph {
  const ownIds = new Set(graph.nodes.flatMap((node) => (node.kind === 'function' && node.function === name ? [node.id] : [])));
  const edges = componentsOf(graph.edges)
    .filter((component) => component.some(({ from, to }) => ownIds.has(from) || ownIds.has(to)))
    .flat();
  const ids = new Set(edges.flatMap(({ from, to }) => [from, to]));
  return { nodes: graph.nodes.filter(({ id }) => ids.has(id)), edges, loops: graph.loops.filter((loop) => loop.some((id) => ids.has(id))) };
}

/** The edges of each connected component. The direction of edges does not matter. */
function componentsOf(edges: readonly Edge[]): Edge[][] {
  const edgesOf = new Map<string, Edge[]>();
  for (const edge of edges) for (const id of new Set([edge.from, edge.to])) edgesOf.set(id, [...(edgesOf.get(id) ?? []), edge]);
  const seen = new Set<Edge>();
  return edges.flatMap((first) => {
    if (seen.has(first)) return [];
    // A set is iterated in the order of insertion, including entries that are added meanwhile.
    const component = new Set([first]);
    for (const { from, to } of component) {
      for (const edge of [from, to].flatMap((id) => edgesOf.get(id) ?? [])) component.add(edge);
    }
    for (const edge of component) seen.add(edge);
    return [[...component]];
  });
}

type ComponentLayout = {
  ids: readonly string[];
  width: number;
  height: number;
  positions: ReadonlyMap<string, Point>;
  paths: ReadonlyMap<Edge, (origin: Point) => string>;
};

function layOutComponent(edges: readonly Edge[]): ComponentLayout {
  const ids = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  const layers = layersOf(ids, edges);
  const layerOf = (id: string): number => layers.get(id) ?? 0;
  const routes = new Map(edges.map((edge, index) => [edge, routeOf(edge, index, layerOf)]));
  const columns = columnsOf(ids, [...routes.values()], layerOf);
  sortRows(columns, [...routes.values()]);
  const tallest = Math.max(...columns.map((column) => column.length));
  const backward = edges.filter(({ from, to }) => layerOf(to) <= layerOf(from));
  const bottom = tallest * (NODE.height + GAP.y) - GAP.y + 2 * GAP.edge;
  const positions = positionsOf(columns, tallest);
  const pointsOf = (edge: Edge): Point[] => (routes.get(edge) ?? []).flatMap(({ id }) => positions.get(id) ?? []);
  const pathOf = (edge: Edge) => {
    const points = pointsOf(edge);
    const lane = backward.indexOf(edge);
    return lane < 0 ? forwardPath(points, edge.when) : backwardPath(points, edge.when, { bottom, lane });
  };
  return {
    ids,
    width: 2 * GAP.side + columns.length * (NODE.width + GAP.x) - GAP.x,
    height: bottom + (backward.length === 0 ? 0 : GAP.y + backward.length * GAP.lane),
    positions,
    paths: new Map(edges.map((edge) => [edge, pathOf(edge)])),
  };
}

/** The rows of each layer: its nodes, and a row for each edge that passes the layer, so that no edge crosses a node. */
function columnsOf(ids: readonly string[], routes: readonly Step[][], layerOf: (id: string) => number): string[][] {
  const steps = [...ids.map((id) => ({ id, layer: layerOf(id) })), ...routes.flatMap((route) => route.slice(1, -1))];
  const columns: string[][] = Array.from({ length: 1 + Math.max(0, ...steps.map(({ layer }) => layer)) }, () => []);
  for (const { id, layer } of steps) columns[layer]?.push(id);
  return columns;
}

/** The positions of all rows of all columns. Shorter columns are centred. */
function positionsOf(columns: readonly string[][], tallest: number): Map<string, Point> {
  const positions = new Map<string, Point>();
  for (const [layer, column] of columns.entries()) {
    const top = GAP.edge + ((tallest - column.length) * (NODE.height + GAP.y)) / 2;
    const x = GAP.side + layer * (NODE.width + GAP.x);
    for (const [row, id] of column.entries()) positions.set(id, { x, y: top + row * (NODE.height + GAP.y) });
  }
  return positions;
}

type Step = { id: string; layer: number };

/** The nodes of an edge with the rows that it reserves between them. */
function routeOf({ from, to }: Edge, index: number, layerOf: (id: string) => number): Step[] {
  const first = layerOf(from);
  const last = layerOf(to);
  const between = Array.from({ length: Math.max(0, last - first - 1) }, (_, step) => ({
    id: `${index}\n${step}`,
    layer: first + 1 + step,
  }));
  return [{ id: from, layer: first }, ...between, { id: to, layer: last }];
}

/** The layer of each node: the length of the longest path to it, without edges that lead back. */
function layersOf(ids: readonly string[], edges: readonly Edge[]): Map<string, number> {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const targets = new Set(edges.filter(({ from, to }) => from !== to).map(({ to }) => to));
  const layers = new Map<string, number>();
  const onPath = new Set<string>();
  const visit = (id: string, layer: number): void => {
    if (onPath.has(id) || (layers.get(id) ?? -1) >= layer) return;
    layers.set(id, layer);
    onPath.add(id);
    for (const to of next.get(id) ?? []) visit(to, layer + 1);
    onPath.delete(id);
  };
  // Nodes without an incoming edge come first. Nodes that are left then belong to loops.
  for (const id of [...ids.filter((one) => !targets.has(one)), ...ids]) if (!layers.has(id)) visit(id, 0);
  return layers;
}

/** Sorts the rows of each column near their neighbours (barycentre heuristic): two passes to the right and two to the left. */
function sortRows(columns: string[][], routes: readonly Step[][]): void {
  const neighbours = new Map<string, string[]>();
  const connect = (one: string, other: string): void => void neighbours.set(one, [...(neighbours.get(one) ?? []), other]);
  for (const route of routes) {
    for (const [index, { id }] of route.slice(1).entries()) {
      const previous = route[index]?.id ?? id;
      connect(previous, id);
      connect(id, previous);
    }
  }
  const rows = new Map<string, number>();
  const setRows = (column: readonly string[]): void => column.forEach((id, row) => void rows.set(id, row - column.length / 2));
  for (const column of columns) setRows(column);
  const barycentre = (id: string): number => {
    const others = (neighbours.get(id) ?? []).map((one) => rows.get(one) ?? 0);
    return others.length === 0 ? (rows.get(id) ?? 0) : others.reduce((sum, row) => sum + row, 0) / others.length;
  };
  const reversed = [...columns].reverse();
  for (const column of [columns, reversed, columns, reversed].flat()) {
    const wanted = new Map(column.map((id) => [id, barycentre(id)]));
    column.sort((one, other) => (wanted.get(one) ?? 0) - (wanted.get(other) ?? 0));
    setRows(column);
  }
}
