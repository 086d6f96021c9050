import type { DestinationGraph } from '#src/gateway/api/schemas/functions.ts';

export type PlacedNode = DestinationGraph['nodes'][number] & { x: number; y: number; isInLoop: boolean };
export type PlacedEdge = DestinationGraph['edges'][number] & { path: string; isInLoop: boolean };
export type PlacedGraph = {
  width: number;
  height: number;
  nodes: readonly PlacedNode[];
  edges: readonly PlacedEdge[];
  alone: readonly string[];
};

export const NODE = { width: 178, height: 40 };
const GAP = { x: 92, y: 18 };

/** Places who tells in front of who is told. An edge that goes back, which a loop needs, is drawn around. */
export function placeGraph({ nodes, edges, loops }: DestinationGraph): PlacedGraph {
  const joined = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const drawn = nodes.filter(({ id }) => joined.has(id));
  const layers = layersOf(
    drawn.map(({ id }) => id),
    edges,
  );
  const columns: string[][] = [];
  for (const { id } of drawn) {
    const layer = layers.get(id) ?? 0;
    columns[layer] = [...(columns[layer] ?? []), id];
  }
  order(columns, edges);
  const tallest = Math.max(1, ...columns.map((column) => column.length));
  const height = tallest * (NODE.height + GAP.y) + GAP.y + 26;
  const places = new Map<string, { x: number; y: number }>();
  columns.forEach((column, layer) => {
    const top = (height - (column.length * (NODE.height + GAP.y) - GAP.y)) / 2;
    column.forEach((id, row) => void places.set(id, { x: 24 + layer * (NODE.width + GAP.x), y: top + row * (NODE.height + GAP.y) }));
  });
  const pairs = new Set(loops.flatMap((loop) => loop.slice(1).map((to, index) => `${loop[index]}\n${to}`)));
  const inLoop = new Set(loops.flat());
  return {
    width: 48 + Math.max(1, columns.length) * (NODE.width + GAP.x) - GAP.x,
    height,
    nodes: drawn.map((node) => ({ ...node, ...(places.get(node.id) ?? { x: 0, y: 0 }), isInLoop: inLoop.has(node.id) })),
    edges: edges.map((edge) => ({
      ...edge,
      isInLoop: pairs.has(`${edge.from}\n${edge.to}`),
      path: curve(places.get(edge.from), places.get(edge.to), edge.when, height),
    })),
    alone: nodes.filter(({ id }) => !joined.has(id)).map(({ id }) => id),
  };
}

type Edges = DestinationGraph['edges'];

/** The longest way to each node, leaving out the edges that lead back. */
function layersOf(ids: readonly string[], edges: Edges): Map<string, number> {
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

/** Puts each node near those that it is joined to, in two sweeps. */
function order(columns: string[][], edges: Edges): void {
  for (const sweep of [columns, [...columns].reverse()]) {
    const rows = new Map(columns.flatMap((column) => column.map((id, row): [string, number] => [id, row - column.length / 2])));
    for (const column of sweep) {
      const centre = (id: string): number => {
        const near = edges.flatMap(({ from, to }) => (from === id ? [to] : to === id ? [from] : [])).flatMap((one) => rows.get(one) ?? []);
        return near.length === 0 ? (rows.get(id) ?? 0) : near.reduce((sum, row) => sum + row, 0) / near.length;
      };
      const wanted = new Map(column.map((id) => [id, centre(id)]));
      column.sort((one, other) => (wanted.get(one) ?? 0) - (wanted.get(other) ?? 0));
      column.forEach((id, row) => void rows.set(id, row - column.length / 2));
    }
  }
}

type Point = { x: number; y: number };

function curve(from: Point | undefined, to: Point | undefined, when: 'success' | 'failure', height: number): string {
  if (from === undefined || to === undefined) return '';
  // Two edges between the same nodes lie beside each other.
  const shift = when === 'success' ? -6 : 6;
  const start = { x: from.x + NODE.width, y: from.y + NODE.height / 2 + shift };
  const end = { x: to.x - 2, y: to.y + NODE.height / 2 + shift };
  if (end.x > start.x) {
    const bend = Math.max(30, (end.x - start.x) / 2);
    return `M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}`;
  }
  const below = height - 12 + shift;
  return `M${start.x} ${start.y}C${start.x + 46} ${start.y} ${start.x + 46} ${below} ${(start.x + end.x) / 2} ${below}S${end.x - 46} ${end.y} ${end.x} ${end.y}`;
}
