import { describe, expect, test } from 'vitest';
import type { DestinationGraph } from '#src/gateway/api/functions/function-schemas.ts';
import { connectedTo, layOutGraph, type PositionedGraph } from '#src/web/functions/graph/graph-layout.ts';
import { NODE } from '#src/web/functions/graph/graph-paths.ts';

function graphOf(text: string, loops: string[][] = []): DestinationGraph {
  const edges = text.split(' ').map((pair) => {
    const [from = '', to = ''] = pair.split('>');
    return { from, to, when: 'success' as const, destination: 'FunctionGraph' };
  });
  const ids = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  return { nodes: ids.map((id) => ({ id, function: id, kind: 'function' })), edges, loops };
}

/** The points of edges that lie inside a node which the edge does not connect. */
function crossingsOf({ nodes, edges }: PositionedGraph): string[] {
  return edges.flatMap(({ from, to, path }) =>
    pointsAlong(path).flatMap(([x, y]) =>
      nodes
        .filter(({ id }) => id !== from && id !== to)
        .filter((node) => x > node.x && x < node.x + NODE.width && y > node.y && y < node.y + NODE.height)
        .map(({ id }) => `${from}>${to} crosses ${id}`),
    ),
  );
}

describe('the graph of destinations', () => {
  test('a function is left of its destinations', () => {
    const { nodes } = layOutGraph(graphOf('a>b b>c a>c c>d'));
    const x = (id: string) => nodes.find((node) => node.id === id)?.x ?? Number.NaN;
    expect([x('a') < x('b'), x('b') < x('c'), x('c') < x('d')]).toEqual([true, true, true]);
  });

  test('nodes do not overlap', () => {
    const { nodes } = layOutGraph(graphOf('a>b a>c a>d b>e c>e d>e x>y y>z p>q'));
    for (const one of nodes) {
      for (const other of nodes) {
        if (one === other) continue;
        expect(Math.abs(one.x - other.x) >= NODE.width || Math.abs(one.y - other.y) >= NODE.height, `${one.id} and ${other.id}`).toBe(true);
      }
    }
  });

  test('edges cross no node that they do not connect', () => {
    expect(crossingsOf(layOutGraph(graphOf('a>b b>c c>d a>d a>c x>b x>d')))).toEqual([]);
    expect(crossingsOf(layOutGraph(graphOf('a>b b>c c>a a>d d>e e>b', [['a', 'b', 'c', 'a']])))).toEqual([]);
  });

  test('nodes and edges of loops are marked, and loops are placed first', () => {
    const placed = layOutGraph(
      graphOf('a>b x>y y>x z>z', [
        ['x', 'y', 'x'],
        ['z', 'z'],
      ]),
    );
    expect(placed.nodes.filter(({ isInLoop }) => isInLoop).map(({ id }) => id)).toEqual(['x', 'y', 'z']);
    expect(placed.edges.filter(({ isInLoop }) => isInLoop).map(({ from, to }) => `${from}>${to}`)).toEqual(['x>y', 'y>x', 'z>z']);
    const y = (id: string) => placed.nodes.find((node) => node.id === id)?.y ?? Number.NaN;
    expect(Math.max(y('x'), y('z'))).toBeLessThanOrEqual(y('a'));
    for (const { path } of placed.edges) expect(path).toMatch(/^M[\d.]/);
  });

  test('two hundred functions in one loop stay inside the frame', () => {
    const chain = Array.from({ length: 200 }, (_, index) => `f${index}>f${(index + 1) % 200}`).join(' ');
    const { width, height, nodes, edges } = layOutGraph(graphOf(chain, []));
    expect(nodes.length).toBe(200);
    for (const { x, y } of nodes) expect(x >= 0 && x + NODE.width <= width && y >= 0 && y + NODE.height <= height).toBe(true);
    for (const [x, y] of edges.flatMap(({ path }) => pointsAlong(path))) expect(x >= 0 && x <= width && y >= 0 && y <= height).toBe(true);
  });

  test('the graph of one function holds its component, in either direction of edges', () => {
    const { nodes, edges } = connectedTo('b', graphOf('a>b b>c x>y'));
    expect(nodes.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(edges.length).toBe(2);
  });
});

/** Points along a path of absolute M, L, H, V, C and Q commands, close to each other. */
function pointsAlong(path: string): [number, number][] {
  const points: [number, number][] = [];
  for (const [, command = '', numbers = ''] of path.matchAll(/([MLHVCQ])([^MLHVCQ]*)/g)) {
    const start = points.at(-1) ?? [0, 0];
    const ends = pairsOf(
      command,
      numbers
        .trim()
        .split(/[\s,]+/)
        .map(Number),
      start,
    );
    if (command === 'M') points.push(...ends);
    else for (let step = 1; step <= 20; step++) points.push(bezier([start, ...ends], step / 20));
  }
  return points;
}

function pairsOf(command: string, numbers: readonly number[], [x, y]: [number, number]): [number, number][] {
  const [first = 0] = numbers;
  if (command === 'H') return [[first, y]];
  if (command === 'V') return [[x, first]];
  return numbers.flatMap((number, index): [number, number][] => (index % 2 === 0 ? [[number, numbers[index + 1] ?? 0]] : []));
}

function bezier(control: readonly [number, number][], share: number): [number, number] {
  if (control.length === 1) return control[0] ?? [0, 0];
  const next = control.slice(1).map(([x, y], index): [number, number] => {
    const [fromX, fromY] = control[index] ?? [x, y];
    return [fromX + (x - fromX) * share, fromY + (y - fromY) * share];
  });
  return bezier(next, share);
}
