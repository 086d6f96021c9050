import type { ComponentChildren } from 'preact';
import { t, translated } from '../shell/language.ts';
import '../styles/table.css';
import { Scrollable } from './scrollable.tsx';

export type Column = { head: string; isNumber?: boolean };
export type Row = { key: string; tone?: string | undefined; cells: readonly ComponentChildren[] };

/** A table. A wide one scrolls inside its frame. On a narrow screen each row becomes a list below its first cell. */
export function Table({ label, columns, rows }: { label: string; columns: readonly Column[]; rows: readonly Row[] }) {
  if (rows.length === 0) return <p class="nothing">{t('none')}</p>;
  const classOf = (index: number): string => (columns[index]?.isNumber === true ? 'number' : '');
  return (
    <Scrollable class="rows-frame" label={label}>
      <table class="rows">
        <thead>
          <tr>
            {columns.map(({ head }, index) => (
              <th key={head} scope="col" class={classOf(index)}>
                {translated(head)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, tone, cells }) => (
            <tr key={key} class={tone === undefined ? '' : `toned tone-${tone}`}>
              {cells.map((cell, index) => (
                <td key={columns[index]?.head} class={classOf(index)} data-head={translated(columns[index]?.head ?? '')}>
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
