import type { HistoryTree, InvocationSummary } from '#src/core/history-questions.ts';
import { splitName } from '#src/core/names/names.ts';
import { summaryColumns, toSummary } from './list.ts';
import type { Database } from './sqlite.ts';

const MAX_NODES = 500;

/** The whole chain of an invocation, and the redrives of each invocation of that chain. */
export function readTree(database: Database, summary: InvocationSummary): HistoryTree {
  const root = summary.root ?? summary.redriveOf ?? summary.id;
  // An id from a caller may occur in several projects and functions, but a chain stays in one project, and has one root.
  const isVisible = (node: InvocationSummary): boolean =>
    splitName(node.function).project === splitName(summary.function).project &&
    (node.id !== summary.id || node.function === summary.function);
  const keyOf = (node: InvocationSummary): string => `${node.function}/${node.id}`;
  const chain = database
    .prepare(
      `SELECT ${summaryColumns} FROM invocations i WHERE i.id = ?1 UNION SELECT ${summaryColumns} FROM invocations i WHERE i.root = ?1 ORDER BY 1 LIMIT ${MAX_NODES + 1}`,
    )
    .all([root])
    .map(toSummary)
    .filter(isVisible);
  const readRedrives = database.prepare(`SELECT ${summaryColumns} FROM invocations i WHERE i.redrive_of = ? ORDER BY i.seq`);
  const nodes = new Map(chain.map((node) => [keyOf(node), node]));
  // The loop also visits the redrives that it adds.
  for (const { id } of nodes.values()) {
    if (nodes.size > MAX_NODES) break;
    for (const node of readRedrives.all([id]).map(toSummary).filter(isVisible)) nodes.set(keyOf(node), node);
  }
  return { root, nodes: [...nodes.values()].slice(0, MAX_NODES), isCut: nodes.size > MAX_NODES };
}
