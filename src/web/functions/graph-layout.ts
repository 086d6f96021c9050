import type { DestinationGraph } from '#src/gateway/api/schemas/functions.ts';
import { back, forth, GAP, NODE, type Point } from './graph-lines.ts';

type Node = DestinationGraph['nodes'][number];
type Edge = DestinationGraph['edges'][number];
export type PlacedNode = Node & Point & { isInLoop: boolean };
type PlacedEdge = Edge & { path: string; isInLoop: boolean };
export type PlacedGraph = { width: number; height: number; nodes: readonly PlacedNode[]; edges: readonly PlacedEdge[] };

const SPACE = 36;

/**
 * Places who tells before who is told. What is not joined is drawn apart, loops first, side by side as far as there is room; an
 * edge runs between the nodes, and one that leads back, which a loop needs, runs below all of them.
 */
export function placeGraph({ nodes, edges, loops }: DestinationGraph, room = 1_360): PlacedGraph {
  const inLoop = new Set(loops.flat());
  const pairs = new Set(loops.flatMap((loop) => loop.slice(1).map((to, index) => `${loop[index]}\n${to}`)));
  const parts = partsOf(edges)
    .map((part) => placePart(part))
    .sort((one, other) => Number(other.ids.some((id) => inLoop.has(id))) - Number(one.ids.some((id) => inLoop.has(id))));
  const places = new Map<string, Point>();
  const paths = new Map<Edge, string>();
  let corner: Point = { x: 0, y: 0 };
  let shelf = 0;
  let width = 0;
  for (const part of parts) {
    if (corner.x > 0 && corner.x + part.width > room) {
      corner = { x: 0, y: corner.y + shelf + SPACE };
      shelf = 0;
    }
    for (const [id, { x, y }] of part.places) places.set(id, { x: x + corner.x, y: y + corner.y });
    for (const [edge, pathFrom] of part.paths) paths.set(edge, pathFrom(corner));
    width = Math.max(width, corner.x + part.width);
    shelf = Math.max(shelf, part.height);
    corner = { x: corner.x + part.width + SPACE, y: corner.y };
  }
  return {
    width,
    height: corner.y + shelf,
    nodes: nodes.flatMap((node) => {
      const place = places.get(node.id);
      return place === undefined ? [] : [{ ...node, ...place, isInLoop: inLoop.has(node.id) }];
    }),
    edges: edges.map((edge) => ({ ...edge, path: paths.get(edge) ?? '', isInLoop: pairs.has(`${edge.from}\n${edge.to}`) })),
  };
}

/** The part of the graph that is joined to a function, or to a version or an alias of it. */
export function joinedTo(name: string, graph: DestinationGraph): DestinationGraph {
  const own = new Set(graph.nodes.flatMap((node) => (node.kind === 'function' && node.function === name ? [node.id] : [])));
  const edges = partsOf(graph.edges)
    .filter((part) => part.some(({ from, to }) => own.has(from) || own.has(to)))
    .flat();
  const ids = new Set(edges.flatMap(({ from, to }) => [from, to]));
  return { nodes: graph.nodes.filter(({ id }) => ids.has(id)), edges, loops: graph.loops.filter((loop) => loop.some((id) => ids.has(id))) };
}

/** The edges, together with all that they are joined to in whatever direction. */
function partsOf(edges: readonly Edge[]): Edge[][] {
  const near = new Map<string, Edge[]>();
  for (const edge of edges) for (const id of new Set([edge.from, edge.to])) near.set(id, [...(near.get(id) ?? []), edge]);
  const seen = new Set<Edge>();
  return edges.flatMap((first) => {
    if (seen.has(first)) return [];
    seen.add(first);
    const part = [first];
    // Grows while it is walked.
    for (const { from, to } of part) {
      for (const edge of [...(near.get(from) ?? []), ...(near.get(to) ?? [])]) {
        if (!seen.has(edge)) part.push(edge);
        seen.add(edge);
      }
    }
    return [part];
  });
}

type PlacedPart = {
  ids: readonly string[];
  width: number;
  height: number;
  places: ReadonlyMap<string, Point>;
  paths: ReadonlyMap<Edge, (corner: Point) => string>;
};

function placePart(edges: readonly Edge[]): PlacedPart {
  const ids = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  const layers = layersOf(ids, edges);
  const layerOf = (id: string): number => layers.get(id) ?? 0;
  const columns: string[][] = Array.from({ length: 1 + Math.max(0, ...layers.values()) }, () => []);
  for (const id of ids) columns[layerOf(id)]?.push(id);
  // An edge over several layers keeps a row free in those between, so that it runs behind nothing.
  const ways = new Map(edges.map((edge, index) => [edge, wayOf(edge, index, layerOf)]));
  for (const way of ways.values()) for (const step of way.slice(1, -1)) columns[step.layer]?.push(step.id);
  order(columns, [...ways.values()]);
  const tallest = Math.max(...columns.map((column) => column.length));
  const backward = edges.filter(({ from, to }) => layerOf(to) <= layerOf(from));
  const bottom = tallest * (NODE.height + GAP.y) - GAP.y + 2 * GAP.edge;
  const places = new Map<string, Point>();
  columns.forEach((column, layer) => {
    const top = GAP.edge + ((tallest - column.length) * (NODE.height + GAP.y)) / 2;
    const x = GAP.side + layer * (NODE.width + GAP.x);
    column.forEach((id, row) => void places.set(id, { x, y: top + row * (NODE.height + GAP.y) }));
  });
  const paths = new Map(
    edges.map((edge) => {
      const points = (ways.get(edge) ?? []).map(({ id }) => places.get(id) ?? { x: 0, y: 0 });
      const lane = backward.indexOf(edge);
      return [edge, lane < 0 ? forth(points, edge.when) : back(points, edge.when, { bottom, lane })] as const;
    }),
  );
  return {
    ids,
    width: 2 * GAP.side + columns.length * (NODE.width + GAP.x) - GAP.x,
    height: bottom + (backward.length === 0 ? 0 : GAP.y + backward.length * GAP.lane),
    places,
    paths,
  };
}

type Step = { id: string; layer: number };

function wayOf({ from, to }: Edge, index: number, layerOf: (id: string) => number): Step[] {
  const first = layerOf(from);
  const last = layerOf(to);
  const between = Array.from({ length: Math.max(0, last - first - 1) }, (_, step) => ({
    id: `${index}\n${step}`,
    layer: first + 1 + step,
  }));
  return [{ id: from, layer: first }, ...between, { id: to, layer: last }];
}

/** The longest way to each node, leaving out the edges that lead back. */
function layersOf(ids: readonly string[], edges: readonly Edge[]): Map<string, number> {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const told = new Set(edges.filter(({ from, to }) => from !== to).map(({ to }) => to));
  const layers = new Map<string, number>();
  const onWay = new Set<string>();
  const visit = (id: string, layer: number): void => {
    if (onWay.has(id) || (layers.get(id) ?? -1) >= layer) return;
    layers.set(id, layer);
    onWay.add(id);
    for (const to of next.get(id) ?? []) visit(to, layer + 1);
    onWay.delete(id);
  };
  // Those whom nobody tells come first; what is left lies in loops.
  for (const id of [...ids.filter((one) => !told.has(one)), ...ids]) if (!layers.has(id)) visit(id, 0);
  return layers;
}

/** Puts each node, and each row that is kept free, near those that it is joined to: there and back, twice. */
function order(columns: string[][], ways: readonly Step[][]): void {
  const near = new Map<string, string[]>();
  const join = (one: string, other: string): void => void near.set(one, [...(near.get(one) ?? []), other]);
  for (const way of ways) {
    for (const [index, { id }] of way.slice(1).entries()) {
      const before = way[index]?.id ?? id;
      join(before, id);
      join(id, before);
    }
  }
  const rows = new Map<string, number>();
  const settle = (column: readonly string[]): void => column.forEach((id, row) => void rows.set(id, row - column.length / 2));
  for (const column of columns) settle(column);
  const centre = (id: string): number => {
    const others = (near.get(id) ?? []).map((one) => rows.get(one) ?? 0);
    return others.length === 0 ? (rows.get(id) ?? 0) : others.reduce((sum, row) => sum + row, 0) / others.length;
  };
  const back = [...columns].reverse();
  for (const column of [columns, back, columns, back].flat()) {
    const wanted = new Map(column.map((id) => [id, centre(id)]));
    column.sort((one, other) => (wanted.get(one) ?? 0) - (wanted.get(other) ?? 0));
    settle(column);
  }
}
