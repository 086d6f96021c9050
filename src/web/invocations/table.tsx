// biome-ignore-all lint/a11y/useSemanticElements: absolutely positioned rows cannot be a table element, so they carry the roles of one
// biome-ignore-all lint/a11y/useFocusableInteractive: a row is reached by the link in it

import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { InvocationRow } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { useNarrow } from '../parts/hooks/use-narrow.ts';
import { Icon } from '../parts/icon.tsx';
import { type Text, t, translated } from '../shell/language.ts';
import { changeQuery, follow, paths } from '../shell/router.tsx';
import { useStore } from '../shell/store.ts';
import { type ColumnName, chosenColumns, columnOf, defaultColumns, fittingColumns } from './columns.tsx';
import type { RowSelection } from './row-selection.ts';
import { keyOf } from './rows.ts';
import { useVisibleRows } from './use-visible-rows.ts';

const ROW_HEIGHT = 44;
const CARD_HEIGHT = 82;

type TableProps = {
  rows: readonly InvocationRow[];
  /** The index of the row that keys act on; -1 for none. */
  selected: number;
  /** The rows that bulk actions apply to. */
  selection: RowSelection;
  sort: string | undefined;
  onEnd: () => void;
};

/** A virtual list: only the visible rows are rendered, so 10,000 rows cost no more than 50. */
export function InvocationTable({ rows, selected, selection, sort, onEnd }: TableProps) {
  const table = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const isNarrow = useNarrow();
  const width = useWidth(table as RefObject<HTMLElement>);
  const chosen = useStore(chosenColumns);
  // Cards have a fixed layout.
  const shown = isNarrow ? defaultColumns : fittingColumns(chosen, width);
  const rowHeight = isNarrow ? CARD_HEIGHT : ROW_HEIGHT;
  const { start, end } = useVisibleRows(body as RefObject<HTMLElement>, rows.length, rowHeight);
  if (end > rows.length - 40) queueMicrotask(onEnd);
  const tracks = ['18px', ...shown.map((name) => columnOf(name).track)].join(' ');
  return (
    <div
      ref={table}
      class="table"
      role="table"
      aria-label={t('Invocations')}
      aria-rowcount={rows.length + 1}
      style={isNarrow ? {} : { '--tracks': tracks }}
    >
      <div role="rowgroup" class="table-head">
        <div role="row" class="row" aria-rowindex={1}>
          <span role="columnheader">
            <input
              type="checkbox"
              aria-label={t('Select the {count} invocations that are loaded', { count: rows.length })}
              checked={selection.size > 0 && rows.every((row) => selection.has(row))}
              onChange={() => selection.toggleAll(rows)}
            />
          </span>
          {shown.map((name) => (
            <Head key={name} name={name} sort={sort} />
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={body} class="table-body" style={{ height: `${rows.length * rowHeight}px` }}>
        {rows.slice(start, end).map((row, offset) => (
          <Row
            key={keyOf(row)}
            row={row}
            columns={shown}
            index={start + offset}
            top={(start + offset) * rowHeight}
            isSelected={start + offset === selected}
            isChecked={selection.has(row)}
            onCheck={(isRange) => selection.toggle(rows, start + offset, isRange)}
          />
        ))}
      </div>
    </div>
  );
}

function Head({ name, sort }: { name: ColumnName; sort: string | undefined }) {
  const { head, orders } = columnOf(name);
  if (orders === undefined)
    return (
      <span role="columnheader" class={`cell-${name}`}>
        {translated(head)}
      </span>
    );
  const present = orders.indexOf(sort ?? 'newest');
  const direction = present < 0 ? 'none' : present === 0 ? 'descending' : 'ascending';
  const next = orders[present + 1] ?? (present < 0 ? orders[0] : undefined);
  const order = next === 'newest' ? undefined : next;
  return (
    <span role="columnheader" class={`cell-${name}`} aria-sort={direction}>
      <button type="button" class="sort" title={sortTitle(order)} onClick={() => changeQuery({ sort: order })}>
        {translated(head)}
        {direction === 'none' ? null : <Icon name={direction === 'descending' ? 'down' : 'up'} size={12} />}
      </button>
    </span>
  );
}

/** What a click on a head does, by the order that it chooses. */
const sortTitles: Readonly<Partial<Record<string, Text>>> = {
  newest: 'Newest first',
  oldest: 'Oldest first',
  longest: 'Longest first',
  shortest: 'Shortest first',
  'most-attempts': 'Most attempts first',
  'fewest-attempts': 'Fewest attempts first',
};

function sortTitle(order = 'newest'): string {
  return t(sortTitles[order] ?? 'Newest first');
}

type RowProps = {
  row: InvocationRow;
  columns: readonly ColumnName[];
  index: number;
  top: number;
  isSelected: boolean;
  isChecked: boolean;
  onCheck: (isRange: boolean) => void;
};

function Row({ row, columns, index, top, isSelected, isChecked, onCheck }: RowProps) {
  const to = paths.invocation(row.request_id, row.function);
  return (
    <div
      role="row"
      class={`row${isSelected ? ' selected' : ''}${isChecked ? ' checked' : ''}${row.error === undefined ? ' calm' : ''}`}
      aria-rowindex={index + 2}
      data-id={row.request_id}
      style={{ transform: `translateY(${top}px)` }}
      onClick={(event) => {
        // Selecting text in a row must not follow its link, and neither must its check box.
        if (event.target instanceof Element && event.target.closest('.cell-check') !== null) return;
        if (getSelection()?.isCollapsed !== false) follow(event, to);
      }}
      onKeyDown={() => {}}
    >
      <span role="cell" class="cell-check">
        <input
          type="checkbox"
          aria-label={t('Select {id}', { id: row.request_id })}
          checked={isChecked}
          onClick={(event) => onCheck(event.shiftKey)}
        />
      </span>
      {columns.map((name) => {
        const { cell, title } = columnOf(name);
        return (
          <span key={name} role="cell" class={`cell-${name}`} title={title?.(row)}>
            {cell(row)}
          </span>
        );
      })}
    </div>
  );
}

function useWidth(element: RefObject<HTMLElement>): number {
  const [width, setWidth] = useState(innerWidth);
  useLayoutEffect(() => {
    const { current } = element;
    if (current === null) return;
    const observer = new ResizeObserver(() => setWidth(current.clientWidth));
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return width;
}

export function rowTop(index: number, isNarrow: boolean): { top: number; height: number } {
  const height = isNarrow ? CARD_HEIGHT : ROW_HEIGHT;
  return { top: index * height, height };
}
