// biome-ignore-all lint/a11y/useSemanticElements: rows that are placed by hand are no table to a browser, so they say what they are
// biome-ignore-all lint/a11y/useFocusableInteractive: a row is reached by the link in it

import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { InvocationRow } from '#src/gateway/api/schemas/invocations.ts';
import { failureWords } from '../parts/failure-words.ts';
import { Moment } from '../parts/moment.tsx';
import { InvocationBadge } from '../parts/state.tsx';
import { follow, Link, paths } from '../shell/router.tsx';
import { useNarrow, useWindowed } from './windowed.ts';

const ROW_HEIGHT = 44;
const CARD_HEIGHT = 82;

type TableProps = { rows: readonly InvocationRow[]; selected: number; onEnd: () => void };

/** The rows in sight, each where it belongs in the whole list: ten thousand cost no more than fifty. */
export function InvocationTable({ rows, selected, onEnd }: TableProps) {
  const body = useRef<HTMLDivElement>(null);
  const rowHeight = useNarrow() ? CARD_HEIGHT : ROW_HEIGHT;
  const { start, end } = useWindowed(body as RefObject<HTMLElement>, rows.length, rowHeight);
  if (end > rows.length - 40) queueMicrotask(onEnd);
  return (
    <div class="table" role="table" aria-label="Invocations" aria-rowcount={rows.length + 1}>
      <div role="rowgroup" class="table-head">
        <div role="row" class="row" aria-rowindex={1}>
          {['State', 'Function', 'Request id', 'Attempts', 'Duration', 'Accepted', 'Error'].map((word) => (
            <span key={word} role="columnheader">
              {word}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={body} class="table-body" style={{ height: `${rows.length * rowHeight}px` }}>
        {rows.slice(start, end).map((row, place) => (
          <Row
            key={row.request_id}
            row={row}
            index={start + place}
            top={(start + place) * rowHeight}
            isSelected={start + place === selected}
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
        // A selected text is no click.
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
        {row.redrive_of === undefined ? null : <small title={`a redrive of ${row.redrive_of}`}>redrive</small>}
        {row.parent === undefined ? null : <small title={`followed from ${row.parent}`}>hop {row.hop ?? ''}</small>}
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
        <Moment at={row.accepted_at} />
      </span>
      <span role="cell" class="cell-error" title={row.error}>
        {errorOf(row)}
      </span>
    </div>
  );
}

/** What went wrong last; the condition only where it says more than that the function failed. */
function errorOf({ condition, error = '' }: InvocationRow): string {
  const words = failureWords(error);
  const isTold = condition === undefined || condition === 'UnhandledInvocationError' || words.startsWith(condition);
  return isTold ? words : `${condition} ${words}`;
}

export function rowTop(index: number, isNarrow: boolean): { top: number; height: number } {
  const height = isNarrow ? CARD_HEIGHT : ROW_HEIGHT;
  return { top: index * height, height };
}
