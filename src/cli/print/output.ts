import type { Call } from '#src/cli/call.ts';
import { type Head, say, sayHead } from '../texts/say.ts';
import { cut, type OutputStream, padEnd, padStart, plain, widthOf } from './terminal.ts';

export type Column<Row> = { head: Head; cell: (row: Row) => string; align?: 'right' };

export type Listing<Row> = {
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  /** The output of `-o name`. */
  name: (row: Row) => string;
  toJson?: (row: Row) => unknown;
  /** Printed to stderr when the list is empty. */
  empty: string;
  /**
   * The heads of the columns that a narrow terminal drops, the first one first. By default from the right to the left; the first column stays,
   * and so does the last one, which may be cut.
   */
  dropOrder?: readonly Head[];
};

/** Prints a list in the format of the call. */
export function printList<Row>({ terminal, format }: Pick<Call, 'terminal' | 'format'>, listing: Listing<Row>): void {
  const { rows, name, toJson = (row) => row } = listing;
  const { out, err } = terminal;
  switch (format) {
    case 'json':
      return out.line(JSON.stringify(rows.map(toJson), null, 2));
    case 'jsonl':
      for (const row of rows) out.line(JSON.stringify(toJson(row)));
      return;
    case 'name':
      for (const row of rows) out.line(name(row));
      return;
    case 'table':
      if (rows.length === 0) return err.line(listing.empty);
      {
        const shown = columnsThatFit(listing, out);
        for (const line of tableLines({ rows, columns: shown }, out)) out.line(line);
        const dropped = listing.columns.filter((column) => !shown.includes(column)).map(({ head }) => sayHead(head));
        if (dropped.length === 0) return;
        const values = { columns: out.columns, heads: dropped.join(say(', ')) };
        err.line(err.paint.dim(say('not shown in {columns} columns: {heads}; -o json has all', values)));
      }
  }
}

/** A last column that is cut keeps this width, so that its text says something. */
const MIN_LAST_WIDTH = 16;

/** The columns that a terminal has room for. In a pipe there is room for all. */
export function columnsThatFit<Row>(
  { rows, columns, dropOrder }: Pick<Listing<Row>, 'rows' | 'columns' | 'dropOrder'>,
  output: Pick<OutputStream, 'isTty' | 'columns'>,
): readonly Column<Row>[] {
  if (!output.isTty) return columns;
  const widths = new Map(
    columns.map((column) => [column, Math.max(widthOf(sayHead(column.head)), ...rows.map((row) => widthOf(plain(column.cell(row)))))]),
  );
  const order = dropOrder?.flatMap((head) => columns.filter((column) => column.head === head)) ?? columns.slice(1, -1).reverse();
  let shown = columns;
  const needed = (): number =>
    shown.reduce((sum, column, index) => {
      const width = widths.get(column) ?? 0;
      return sum + (index === shown.length - 1 ? Math.min(width, MIN_LAST_WIDTH) : width + 2);
    }, 0);
  for (const column of order) {
    if (needed() <= output.columns) break;
    shown = shown.filter((one) => one !== column);
  }
  return shown;
}

/** Prints one value: as JSON, by its name, or as lines for people. */
export function printOne(
  { terminal, format }: Pick<Call, 'terminal' | 'format'>,
  item: { value: unknown; name: string; lines: () => readonly string[] },
): void {
  switch (format) {
    case 'json':
      return terminal.out.line(JSON.stringify(item.value, null, 2));
    case 'jsonl':
      return terminal.out.line(JSON.stringify(item.value));
    case 'name':
      return terminal.out.line(item.name);
    case 'table':
      for (const line of item.lines()) terminal.out.line(line);
  }
}

/** A table with columns as wide as their contents. On a terminal the lines are cut at the edge; in a pipe they are not. */
export function tableLines<Row>({ rows, columns }: Pick<Listing<Row>, 'rows' | 'columns'>, output: OutputStream): string[] {
  const cells = rows.map((row) => columns.map(({ cell }) => plain(cell(row))));
  const heads = columns.map(({ head }) => sayHead(head));
  const widths = heads.map((head, index) => Math.max(widthOf(head), ...cells.map((row) => widthOf(row[index] ?? ''))));
  const draw = (texts: readonly string[]): string => {
    const line = texts
      .map((text, index) => pad(text, widths[index] ?? 0, columns[index]?.align))
      .join('  ')
      .trimEnd();
    return output.isTty ? cut(line, output.columns, output.isUnicode ? '…' : '...') : line;
  };
  return [output.paint.bold(draw(heads)), ...cells.map(draw)];
}

function pad(text: string, width: number, align: 'right' | undefined): string {
  return align === 'right' ? padStart(text, width) : padEnd(text, width);
}

/** The lines of one thing: a name and a value each, in two columns. On a terminal the lines are cut at the edge. */
export function factLines(
  facts: readonly (readonly [label: string, value: string])[],
  { isTty, columns, paint }: Pick<OutputStream, 'isTty' | 'columns' | 'paint'>,
): string[] {
  const width = Math.max(...facts.map(([label]) => widthOf(label)));
  const left = isTty ? columns - width - 4 : Number.POSITIVE_INFINITY;
  return facts.map(([label, value]) => `  ${paint.dim(padEnd(label, width))}  ${cut(plain(value), left)}`);
}
