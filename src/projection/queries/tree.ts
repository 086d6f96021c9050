import type { HistoryTree, InvocationSummary } from '#src/core/history-questions.ts';
import { childIdOf, deliveryIdOf } from '#src/core/names/delivery-ids.ts';
import { splitName } from '#src/core/names/names.ts';
import type { Database, Row } from '#src/projection/store/sqlite.ts';
import { summaryColumns, toSummary } from './list.ts';

const MAX_NODES = 500;

/** A row of the chain. `seq` finds its deliveries. */
type Node = { seq: number; summary: InvocationSummary };

/** The whole chain of an invocation, and the redrives of each invocation of that chain. */
export function readTree(database: Database, summary: InvocationSummary): HistoryTree {
  const root = summary.root ?? summary.redriveOf ?? summary.id;
  const nodes = readNodes(database, root, splitName(summary.function).project);
  const connected = connectedWith(summary, [...nodes.values()], createParentCheck(database)).map((node) => node.summary);
  return { root, nodes: connected.slice(0, MAX_NODES), isCut: nodes.size > MAX_NODES };
}

/** All invocations with this root in one project. Several functions may have a root with this id, so they may belong to several chains. */
function readNodes(database: Database, root: string, project: string | undefined): Map<string, Node> {
  const isVisible = (node: Node): boolean => splitName(node.summary.function).project === project;
  const nodes = new Map<string, Node>();
  const add = (rows: readonly Row[]): void => {
    for (const node of rows.map(toNode).filter(isVisible)) nodes.set(keyOf(node.summary), node);
  };
  add(
    database
      .prepare(
        `SELECT ${summaryColumns} FROM invocations i WHERE i.id = ?1 UNION SELECT ${summaryColumns} FROM invocations i WHERE i.root = ?1 ORDER BY 1 LIMIT ${MAX_NODES + 1}`,
      )
      .all([root]),
  );
  const readRedrives = database.prepare(
    `SELECT ${summaryColumns} FROM invocations i WHERE i.redrive_of = ? AND i.function = ? ORDER BY i.seq`,
  );
  // The loop also visits the redrives that it adds.
  for (const { summary } of nodes.values()) {
    if (nodes.size > MAX_NODES) break;
    add(readRedrives.all([summary.id, summary.function]));
  }
  return nodes;
}

function toNode(row: Row): Node {
  return { seq: Number(row[0]), summary: toSummary(row) };
}

function keyOf({ function: name, id }: InvocationSummary): string {
  return `${name}/${id}`;
}

type Started = (parent: Node, child: InvocationSummary) => boolean;

/** The nodes of the chain that an invocation belongs to. A node whose parent is not among the nodes stays. */
function connectedWith({ function: name, id }: InvocationSummary, nodes: readonly Node[], started: Started): Node[] {
  const byId = grouped(nodes, ({ summary }) => summary.id);
  const parentOf = ({ summary: child }: Node): Node | undefined => {
    const candidates = byId.get(child.parent ?? child.redriveOf ?? '') ?? [];
    if (child.parent === null) return candidates.find(({ summary }) => summary.function === child.function);
    return candidates.length < 2 ? candidates[0] : candidates.find((parent) => started(parent, child));
  };
  const parents = new Map(nodes.map((node) => [node, parentOf(node)]));
  const above = new Set<Node>();
  let top = nodes.find(({ summary }) => summary.function === name && summary.id === id);
  // Callers choose ids, so parents may form a cycle.
  for (let node = top; node !== undefined && !above.has(node); node = parents.get(node)) {
    above.add(node);
    top = node;
  }
  const others = nodes.filter((node) => parents.get(node) === undefined && node.summary.id !== top?.summary.id);
  const below = grouped(nodes, (node) => parents.get(node));
  const connected = new Set(top === undefined ? others : [top, ...others]);
  // The loop also visits the nodes that it adds.
  for (const node of connected) for (const child of below.get(node) ?? []) connected.add(child);
  return nodes.filter((node) => connected.has(node));
}

/** Tells by its id whether an invocation is the child of a parent. */
function createParentCheck(database: Database): Started {
  const readDestinations = database.prepare(`SELECT destination FROM deliveries WHERE invocation = ? AND kind = 'FunctionGraph'`);
  return ({ seq, summary: { id: invocation, function: name } }, child) =>
    readDestinations.all([seq]).some(([destination]) => child.id === childIdOf(deliveryIdOf(name, { invocation }, String(destination))));
}

function grouped<Key>(nodes: readonly Node[], keyOfNode: (node: Node) => Key): Map<Key, Node[]> {
  const groups = new Map<Key, Node[]>();
  for (const node of nodes) groups.set(keyOfNode(node), [...(groups.get(keyOfNode(node)) ?? []), node]);
  return groups;
}
