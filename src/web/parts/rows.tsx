import type { ComponentChildren } from 'preact';
import { Scrollable } from './scrollable.tsx';

/** A plain table, which scrolls by itself where it has no room. */
export function Rows({ head, rows }: { head: readonly string[]; rows: readonly { key: string; cells: readonly ComponentChildren[] }[] }) {
  if (rows.length === 0) return <p class="nothing">none</p>;
  return (
    <Scrollable class="rows-frame" label={head.filter((word) => word !== '').join(', ')}>
      <table class="rows">
        <thead>
          <tr>
            {head.map((word) => (
              <th key={word} scope="col">
                {word === '' ? <span class="unseen">Notes</span> : word}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, cells }) => (
            <tr key={key}>
              {cells.map((cell, place) => (
                <td key={head[place]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scrollable>
  );
}
