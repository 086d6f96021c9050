import type { DestinationGraph } from '#src/gateway/api/functions/function-schemas.ts';

/** The function of a node: the id of a version or an alias contains more. */
export function functionAt({ nodes }: DestinationGraph, id: string): string {
  return nodes.find((node) => node.id === id)?.function ?? id;
}

/** The functions with a version or an alias in a loop. */
export function functionsInLoops(graph: DestinationGraph | undefined): ReadonlySet<string> {
  return new Set(graph?.loops.flat().map((id) => functionAt(graph, id)));
}
