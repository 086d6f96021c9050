import type { HistoryTree, InvocationSummary } from '#src/core/history-questions.ts';
import { splitName } from '#src/core/names/names.ts';
import { summaryColumns, toSummary } from './list.ts';
import type { Database } from './sqlite.ts';

const MAX_NODES = 500;

/** The whole chain of an invocation, and the redrives of each invocation of that chain. */
export function readTree(database: Database, { project }: { project?: string | undefined }, summary: InvocationSummary): HistoryTree {
  const root = summary.root ?? summary.redriveOf ?? summary.id;
  // An id from a caller may occur in several projects, but a chain stays in one project.
  const isVisible = (node: InvocationSummary): boolean =>
    project === undefined || splitName(node.function).project === splitName(summary.function).project;
  const chain = database
    .prepare(
      `SELECT ${summaryColumns} FROM invocations i WHERE i.id = ?1 UNION SELECT ${summaryColumns} FROM invocations i WHERE i.root = ?1 ORDER BY 1 LIMIT ${MAX_NODES + 1}`,
    )
    .all([root])
    .map(toSummary)
    .filter(isVisible);
  const readRedrives = database.prepare(`SELECT ${summaryColumns} FROM invocations i WHERE i.redrive_of = ? ORDER BY i.seq`);
  const nodes = new Map(chain.map((node) => [node.id, node]));
  // The loop also visits the redrives that it adds.
  for (const id of nodes.keys()) {
    if (nodes.size > MAX_NODES) break;
    for (const node of readRedrives.all([id]).map(toSummary).filter(isVisible)) nodes.set(node.id, node);
  }
  return { root, nodes: [...nodes.values()].slice(0, MAX_NODES), isCut: nodes.size > MAX_NODES };
}
