import type { ComponentChildren } from 'preact';
import '../styles/rows.css';
import { Scrollable } from './scrollable.tsx';

export type Column = { head: string; isNumber?: boolean };
export type Row = { key: string; tone?: string | undefined; cells: readonly ComponentChildren[] };

/** A plain table. It scrolls by itself where it has no room; on a phone each row becomes a list, under its first cell. */
export function Rows({ label, columns, rows }: { label: string; columns: readonly Column[]; rows: readonly Row[] }) {
  if (rows.length === 0) return <p class="nothing">none</p>;
  const classOf = (place: number): string => (columns[place]?.isNumber === true ? 'number' : '');
  return (
    <Scrollable class="rows-frame" label={label}>
      <table class="rows">
        <thead>
          <tr>
            {columns.map(({ head }, place) => (
              <th key={head} scope="col" class={classOf(place)}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, tone, cells }) => (
            <tr key={key} class={tone === undefined ? '' : `toned tone-${tone}`}>
              {cells.map((cell, place) => (
                <td key={columns[place]?.head} class={classOf(place)} data-head={columns[place]?.head}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scrollable>
  );
}
