// biome-ignore-all lint/a11y/useSemanticElements: absolutely positioned rows cannot be a table element, so they carry the roles of one
// biome-ignore-all lint/a11y/useFocusableInteractive: a row is reached by the link in it

import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { InvocationRow } from '#src/gateway/api/schemas/invocations.ts';
import { failureSummary } from '../parts/failure-summary.ts';
import { InvocationBadge } from '../parts/state-badge.tsx';
import { RelativeTime } from '../parts/time.tsx';
import { useNarrow } from '../parts/use-narrow.ts';
import { follow, Link, paths } from '../shell/router.tsx';
import { useVisibleRows } from './use-visible-rows.ts';

const ROW_HEIGHT = 44;
const CARD_HEIGHT = 82;

type TableProps = { rows: readonly InvocationRow[]; selected: number; onEnd: () => void };

/** A virtual list: only the visible rows are rendered, so 10,000 rows cost no more than 50. */
export function InvocationTable({ rows, selected, onEnd }: TableProps) {
  const body = useRef<HTMLDivElement>(null);
  const rowHeight = useNarrow() ? CARD_HEIGHT : ROW_HEIGHT;
  const { start, end } = useVisibleRows(body as RefObject<HTMLElement>, rows.length, rowHeight);
  if (end > rows.length - 40) queueMicrotask(onEnd);
  return (
    <div class="table" role="table" aria-label="Invocations" aria-rowcount={rows.length + 1}>
      <div role="rowgroup" class="table-head">
        <div role="row" class="row" aria-rowindex={1}>
          {['State', 'Function', 'Request id', 'Attempts', 'Duration', 'Accepted', 'Error'].map((heading) => (
            <span key={heading} role="columnheader">
              {heading}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={body} class="table-body" style={{ height: `${rows.length * rowHeight}px` }}>
        {rows.slice(start, end).map((row, offset) => (
          <Row
            key={row.request_id}
            row={row}
            index={start + offset}
            top={(start + offset) * rowHeight}
            isSelected={start + offset === selected}
          />
        ))}
      </div>
    </div>
  );
}

function Row({ row, index, top, isSelected }: { row: InvocationRow; index: number; top: number; isSelected: boolean }) {
  const to = paths.invocation(row.request_id);
  return (
    <div
      role="row"
      class={`row${isSelected ? ' selected' : ''}${row.error === undefined ? ' calm' : ''}`}
      aria-rowindex={index + 2}
      data-id={row.request_id}
      style={{ transform: `translateY(${top}px)` }}
      onClick={(event) => {
        // Selecting text in a row must not follow its link.
        if (getSelection()?.isCollapsed !== false) follow(event, to);
      }}
      onKeyDown={() => {}}
    >
      <span role="cell" class="cell-state">
        <InvocationBadge state={row.state} status={row.status} />
      </span>
      <span role="cell" class="cell-function" title={row.function}>
        {row.function}
        {row.qualifier === 'latest' ? null : <small>{row.qualifier}</small>}
        {row.redrive_of === undefined ? null : <small title={`redrive of ${row.redrive_of}`}>redrive</small>}
        {row.parent === undefined ? null : <small title={`caused by ${row.parent}`}>hop {row.hop ?? ''}</small>}
      </span>
      <span role="cell" class="cell-id">
        <Link to={to} class="mono" title={row.request_id}>
          {row.request_id}
        </Link>
      </span>
      <span role="cell" class="cell-attempts">
        {row.attempts}
      </span>
      <span role="cell" class="cell-duration">
        {row.duration_ms === undefined ? '–' : formatDuration(row.duration_ms)}
      </span>
      <span role="cell" class="cell-time">
        <RelativeTime at={row.accepted_at} />
      </span>
      <span role="cell" class="cell-error" title={row.error}>
        {errorOf(row)}
      </span>
    </div>
  );
}

/** The last error. The condition is left out where it only repeats that the function failed. */
function errorOf({ condition, error = '' }: InvocationRow): string {
  const summary = failureSummary(error);
  const isRedundant = condition === undefined || condition === 'UnhandledInvocationError' || summary.startsWith(condition);
  return isRedundant ? summary : `${condition} ${summary}`;
}

export function rowTop(index: number, isNarrow: boolean): { top: number; height: number } {
  const height = isNarrow ? CARD_HEIGHT : ROW_HEIGHT;
  return { top: index * height, height };
}
