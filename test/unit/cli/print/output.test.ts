import { describe, expect, test } from 'vitest';
import { type Column, columnsThatFit } from '#src/cli/print/output.ts';
import type { Head } from '#src/cli/texts/say.ts';

type Row = { id: string; state: string; attempts: string; why: string };
const columns: Column<Row>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'STATE', cell: ({ state }) => state },
  { head: 'ATTEMPTS', cell: ({ attempts }) => attempts },
  { head: 'WHY', cell: ({ why }) => why },
];
const rows = [{ id: 'x'.repeat(36), state: 'notified', attempts: '3', why: 'w'.repeat(200) }];

const headsIn = (width: number, dropOrder?: Head[], isTty = true): string[] =>
  columnsThatFit({ rows, columns, ...(dropOrder === undefined ? {} : { dropOrder }) }, { isTty, columns: width }).map(({ head }) => head);

describe('a table on a narrow terminal', () => {
  test('drops whole columns from the right, but neither the first nor the last one', () => {
    expect(headsIn(120)).toEqual(['ID', 'STATE', 'ATTEMPTS', 'WHY']);
    expect(headsIn(70)).toEqual(['ID', 'STATE', 'WHY']);
    expect(headsIn(40)).toEqual(['ID', 'WHY']);
  });

  test('drops columns in the order that its command states', () => {
    expect(headsIn(70, ['STATE', 'ATTEMPTS'])).toEqual(['ID', 'ATTEMPTS', 'WHY']);
  });

  test('keeps all columns in a pipe', () => {
    expect(headsIn(10, undefined, false)).toEqual(['ID', 'STATE', 'ATTEMPTS', 'WHY']);
  });
});
