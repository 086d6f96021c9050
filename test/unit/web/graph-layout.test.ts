import { describe, expect, test } from 'vitest';
import type { DestinationGraph } from '#src/gateway/api/schemas/functions.ts';
import { joinedTo, type PlacedGraph, placeGraph } from '#src/web/functions/graph-layout.ts';
import { NODE } from '#src/web/functions/graph-lines.ts';

function graphOf(text: string, loops: string[][] = []): DestinationGraph {
  const edges = text.split(' ').map((pair) => {
    const [from = '', to = ''] = pair.split('>');
    return { from, to, when: 'success' as const, destination: 'FunctionGraph' };
  });
  const ids = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  return { nodes: ids.map((id) => ({ id, function: id, kind: 'function' })), edges, loops };
}

/** The points of a line that lie inside a node which is not its own end. */
function crossingsOf({ nodes, edges }: PlacedGraph): string[] {
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
  test('has who tells to the left of who is told', () => {
    const { nodes } = placeGraph(graphOf('a>b b>c a>c c>d'));
    const x = (id: string) => nodes.find((node) => node.id === id)?.x ?? Number.NaN;
    expect([x('a') < x('b'), x('b') < x('c'), x('c') < x('d')]).toEqual([true, true, true]);
  });

  test('lays no node over another', () => {
    const { nodes } = placeGraph(graphOf('a>b a>c a>d b>e c>e d>e x>y y>z p>q'));
    for (const one of nodes) {
      for (const other of nodes) {
        if (one === other) continue;
        expect(Math.abs(one.x - other.x) >= NODE.width || Math.abs(one.y - other.y) >= NODE.height, `${one.id} and ${other.id}`).toBe(true);
      }
    }
  });

  test('draws no line behind a node that it does not join', () => {
    expect(crossingsOf(placeGraph(graphOf('a>b b>c c>d a>d a>c x>b x>d')))).toEqual([]);
    expect(crossingsOf(placeGraph(graphOf('a>b b>c c>a a>d d>e e>b', [['a', 'b', 'c', 'a']])))).toEqual([]);
  });

  test('marks the nodes and the edges of a loop, one that tells itself too, and puts loops first', () => {
    const placed = placeGraph(
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

  test('stays inside its frame, and is placed at once for two hundred functions in one chain with a loop', () => {
    const chain = Array.from({ length: 200 }, (_, place) => `f${place}>f${(place + 1) % 200}`).join(' ');
    const { width, height, nodes, edges } = placeGraph(graphOf(chain, []));
    expect(nodes.length).toBe(200);
    for (const { x, y } of nodes) expect(x >= 0 && x + NODE.width <= width && y >= 0 && y + NODE.height <= height).toBe(true);
    for (const [x, y] of edges.flatMap(({ path }) => pointsAlong(path))) expect(x >= 0 && x <= width && y >= 0 && y <= height).toBe(true);
  });

  test('around a function is what is joined to it, in whatever direction', () => {
    const { nodes, edges } = joinedTo('b', graphOf('a>b b>c x>y'));
    expect(nodes.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(edges.length).toBe(2);
  });
});

/** Points of a path of absolute M, L, H, V, C and Q, close enough to each other. */
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
  return numbers.flatMap((number, place): [number, number][] => (place % 2 === 0 ? [[number, numbers[place + 1] ?? 0]] : []));
}

function bezier(control: readonly [number, number][], share: number): [number, number] {
  if (control.length === 1) return control[0] ?? [0, 0];
  const next = control.slice(1).map(([x, y], index): [number, number] => {
    const [fromX, fromY] = control[index] ?? [x, y];
    return [fromX + (x - fromX) * share, fromY + (y - fromY) * share];
  });
  return bezier(next, share);
}
