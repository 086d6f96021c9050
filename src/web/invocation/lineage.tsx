import type { InvocationRow, InvocationView } from '#src/gateway/api/schemas/invocations.ts';
import { get } from '../api/http.ts';
import { ProblemNotice } from '../parts/notices.tsx';
import { InvocationBadge } from '../parts/state.tsx';
import { useAsked } from '../shell/asked.ts';
import { Link, paths } from '../shell/router.tsx';

type Tree = { root: string; nodes: InvocationRow[]; is_cut: boolean };
type Branch = { row: InvocationRow; below: Branch[] };

/** What led here, and what followed from it. */
export function Lineage({ view }: { view: InvocationView }) {
  const { request_id: id, last_sequence, redriven_as } = view;
  const { content, problem } = useAsked(`${id} ${last_sequence} ${redriven_as.length}`, (signal) =>
    get<Tree>(`/api/invocations/${encodeURIComponent(id)}/tree`, signal),
  );
  if (problem !== undefined && problem.status !== 404)
    return (
      <section class="card" aria-label="Lineage">
        <div class="card-head">
          <h2>Lineage</h2>
        </div>
        <ProblemNotice problem={problem} />
      </section>
    );
  if (content === undefined || content.nodes.length < 2) return null;
  return (
    <section class="card" aria-label="Lineage">
      <div class="card-head">
        <h2>Lineage</h2>
        <span class="hint">
          {content.nodes.length} invocations{content.is_cut ? ', and more' : ''}
        </span>
      </div>
      <ul class="tree">
        {treeOf(content.nodes).map((branch) => (
          <Node key={branch.row.request_id} branch={branch} own={id} />
        ))}
      </ul>
    </section>
  );
}

function Node({ branch: { row, below }, own }: { branch: Branch; own: string }) {
  return (
    <li>
      <span class={row.request_id === own ? 'node own' : 'node'} aria-current={row.request_id === own ? 'true' : undefined}>
        <InvocationBadge state={row.state} status={row.status} />
        <span class="wrap">{row.function}</span>
        <Link to={paths.invocation(row.request_id)} class="mono wrap">
          {row.request_id}
        </Link>
        {row.redrive_of === undefined ? null : <small>redrive</small>}
      </span>
      {below.length === 0 ? null : (
        <ul>
          {below.map((branch) => (
            <Node key={branch.row.request_id} branch={branch} own={own} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** Ids are chosen by callers: each stands in the tree once, whatever its parents say. */
function treeOf(rows: readonly InvocationRow[]): Branch[] {
  const branches = new Map(rows.map((row): [string, Branch] => [row.request_id, { row, below: [] }]));
  const parentOf = (row: InvocationRow): Branch | undefined => branches.get(row.parent ?? row.redrive_of ?? '');
  const tops: Branch[] = [];
  for (const branch of branches.values()) {
    const parent = parentOf(branch.row);
    if (parent === undefined || isBelow(branch, parent, parentOf)) tops.push(branch);
    else parent.below.push(branch);
  }
  return tops;
}

/** Whether `other` descends from `branch`, or is the same. */
function isBelow(branch: Branch, other: Branch, parentOf: (row: InvocationRow) => Branch | undefined): boolean {
  const seen = new Set<Branch>();
  for (let at: Branch | undefined = other; at !== undefined && !seen.has(at); at = parentOf(at.row)) {
    if (at === branch) return true;
    seen.add(at);
  }
  return false;
}
