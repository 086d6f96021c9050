import type { InvocationRow, InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { get } from '../api/http.ts';
import { invocationPath } from '../api/invocation-path.ts';
import { ProblemNotice } from '../parts/notices.tsx';
import { InvocationBadge } from '../parts/state-badge.tsx';
import { t } from '../shell/language.ts';
import { Link, paths } from '../shell/router.tsx';
import { useFetch } from '../shell/use-fetch.ts';

type Tree = { root: string; nodes: InvocationRow[]; is_cut: boolean };
type Branch = { row: InvocationRow; children: Branch[] };

/** The tree of invocations that this one belongs to: its ancestors, its redrives and all that followed. */
export function Lineage({ view }: { view: InvocationView }) {
  const { request_id: id, function: owner, last_sequence, redriven_as } = view;
  const { content, problem } = useFetch(`${id} ${owner} ${last_sequence} ${redriven_as.length}`, (signal) =>
    get<Tree>(invocationPath({ id, function: owner }, '/tree'), signal),
  );
  if (problem !== undefined && problem.status !== 404)
    return (
      <section class="card" aria-label={t('Lineage')}>
        <div class="card-head">
          <h2>{t('Lineage')}</h2>
        </div>
        <ProblemNotice problem={problem} />
      </section>
    );
  if (content === undefined || content.nodes.length < 2) return null;
  return (
    <section class="card" aria-label={t('Lineage')}>
      <div class="card-head">
        <h2>{t('Lineage')}</h2>
        <span class="hint">
          {content.is_cut
            ? t('{count} invocations, and more', { count: content.nodes.length })
            : t('{count} invocations', { count: content.nodes.length })}
        </span>
      </div>
      <ul class="tree">
        {treeOf(content.nodes).map((branch) => (
          <Node key={branch.row.request_id} branch={branch} ownId={id} />
        ))}
      </ul>
    </section>
  );
}

function Node({ branch: { row, children }, ownId }: { branch: Branch; ownId: string }) {
  return (
    <li>
      <span class={row.request_id === ownId ? 'node own' : 'node'} aria-current={row.request_id === ownId ? 'true' : undefined}>
        <InvocationBadge state={row.state} status={row.status} />
        <span class="wrap">{row.function}</span>
        <Link to={paths.invocation(row.request_id, row.function)} class="mono wrap">
          {row.request_id}
        </Link>
        {row.redrive_of === undefined ? null : <small>{t('redrive')}</small>}
      </span>
      {children.length === 0 ? null : (
        <ul>
          {children.map((branch) => (
            <Node key={branch.row.request_id} branch={branch} ownId={ownId} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** Callers choose ids, so parents may form a cycle. Each invocation is in the tree once nevertheless. */
function treeOf(rows: readonly InvocationRow[]): Branch[] {
  const branches = new Map(rows.map((row): [string, Branch] => [row.request_id, { row, children: [] }]));
  const parentOf = (row: InvocationRow): Branch | undefined => branches.get(row.parent ?? row.redrive_of ?? '');
  const roots: Branch[] = [];
  for (const branch of branches.values()) {
    const parent = parentOf(branch.row);
    if (parent === undefined || isWithin(branch, parent, parentOf)) roots.push(branch);
    else parent.children.push(branch);
  }
  return roots;
}

/** Whether `other` is `branch` or one of its descendants. */
function isWithin(branch: Branch, other: Branch, parentOf: (row: InvocationRow) => Branch | undefined): boolean {
  const seen = new Set<Branch>();
  for (let at: Branch | undefined = other; at !== undefined && !seen.has(at); at = parentOf(at.row)) {
    if (at === branch) return true;
    seen.add(at);
  }
  return false;
}
