import { useRef, useState } from 'preact/hooks';
import type { InvocationRow } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { keyOf } from './rows.ts';

/** An invocation, as bulk actions name it. */
export type Chosen = Pick<InvocationRow, 'request_id' | 'function'>;

/** The rows of the list that the user selected. Rows that arrive later are not selected. */
export interface RowSelection {
  readonly size: number;
  readonly chosen: readonly Chosen[];
  has(row: InvocationRow): boolean;
  /** Selects a row, or removes it. With `isRange`, all rows from the last one that was toggled. */
  toggle(rows: readonly InvocationRow[], index: number, isRange: boolean): void;
  /** Selects all rows, or none if all are selected. */
  toggleAll(rows: readonly InvocationRow[]): void;
  clear(): void;
}

export function useRowSelection(): RowSelection {
  const [chosen, setChosen] = useState<ReadonlyMap<string, Chosen>>(new Map());
  const last = useRef<string>(undefined);
  const change = (rows: readonly InvocationRow[], isOn: boolean): void => {
    setChosen((present) => {
      const next = new Map(present);
      for (const row of rows) {
        if (isOn) next.set(keyOf(row), { request_id: row.request_id, function: row.function });
        else next.delete(keyOf(row));
      }
      return next;
    });
  };
  const has = (row: InvocationRow): boolean => chosen.has(keyOf(row));
  return {
    size: chosen.size,
    chosen: [...chosen.values()],
    has,
    toggle(rows, index, isRange) {
      const row = rows[index];
      if (row === undefined) return;
      const start = isRange ? rows.findIndex((one) => keyOf(one) === last.current) : -1;
      last.current = keyOf(row);
      change(start < 0 ? [row] : rows.slice(Math.min(start, index), Math.max(start, index) + 1), !has(row));
    },
    toggleAll: (rows) => change(rows, !rows.every(has)),
    clear: () => setChosen(new Map()),
  };
}
