import { describe, expect, test } from 'vitest';
import { type Column, printList, tableLines } from '#src/cli/print/output.ts';
import { createOutputStream, cut, plain } from '#src/cli/print/terminal.ts';
import { outputStreamOf } from '#test/support/cli/output-streams.ts';

describe('colour', () => {
  const terminal = { write: () => true, isTTY: true, columns: 80 };
  const pipe = { write: () => true, isTTY: false, columns: 0 };

  test.for([
    ['a terminal', terminal, 'auto', {}, true],
    ['a pipe', pipe, 'auto', {}, false],
    ['NO_COLOR', terminal, 'auto', { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', terminal, 'auto', { NO_COLOR: '' }, true],
    ['a dumb terminal', terminal, 'auto', { TERM: 'dumb' }, false],
    ['a pipe with FORCE_COLOR', pipe, 'auto', { FORCE_COLOR: '1' }, true],
    ['--color always in a pipe with NO_COLOR', pipe, 'always', { NO_COLOR: '1' }, true],
    ['--color never on a terminal', terminal, 'never', {}, false],
  ] as const)('on %s', ([, stream, choice, env, expected]) => {
    const { paint } = createOutputStream(stream as never, choice, env);
    expect(paint.red('x') !== 'x').toBe(expected);
  });

  test('more than ASCII is drawn only on a terminal whose locale reads UTF-8', () => {
    const isUnicode = (stream: object, env: Record<string, string>) => createOutputStream(stream as never, 'auto', env).isUnicode;
    expect(isUnicode(terminal, { LANG: 'de_DE.UTF-8' })).toBe(true);
    expect(isUnicode(terminal, { LANG: 'de_DE.UTF-8', LC_ALL: 'C' })).toBe(false);
    expect(isUnicode(terminal, { LANG: 'en_US.UTF-8', TERM: 'dumb' })).toBe(false);
    expect(isUnicode(pipe, { LANG: 'en_US.UTF-8' })).toBe(false);
  });
});

describe('text from outside', () => {
  test('is one line, and shows escaped what could steer a terminal or reverse its order', () => {
    expect(plain('a\u001b[31mb\r\n\tc\u0000d\u009be\u2028f')).toBe('a\\u001b[31mb c\\u0000d\\u009be f');
    expect(plain('gpj\u202e.exe \u2066x\u2069 \u200f')).toBe('gpj\\u202e.exe \\u2066x\\u2069 \\u200f');
  });

  test('reaches a terminal escaped also where a command does not escape it, and a pipe unchanged', () => {
    const text = '\u001b]0;title\u0007 \u001b[1mbold\u001b[22m \u202e 中文\n\tnext\rover';
    const lines = (columns?: number): string[] => {
      const { output, lines: written } = outputStreamOf(columns === undefined ? {} : { columns });
      output.line(text);
      return written;
    };
    expect(lines(80)).toEqual(['\\u001b]0;title\\u0007 \u001b[1mbold\u001b[22m \\u202e 中文\n\tnext\\u000dover']);
    expect(lines()).toEqual([text]);
  });

  test('stays the same value when it is JSON on a terminal', () => {
    const value = { name: 'a\u009b\u202eb' };
    const { output, lines } = outputStreamOf({ columns: 80 });
    output.line(JSON.stringify(value));
    expect(lines[0]).toBe('{"name":"a\\u009b\\u202eb"}');
    expect(JSON.parse(lines[0] ?? '')).toEqual(value);
  });

  test('is cut to what fits', () => {
    expect([cut('abcdef', 6), cut('abcdef', 5), cut('abcdef', 2), cut('abcdef', 0)]).toEqual(['abcdef', 'ab...', 'ab', '']);
  });
});

describe('a table', () => {
  const columns: Column<{ name: string; count: number }>[] = [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'COUNT', cell: ({ count }) => String(count), align: 'right' },
  ];
  const rows = [
    { name: 'a', count: 1_000_000 },
    { name: 'long-name', count: 2 },
  ];

  test('has columns as wide as their contents', () => {
    expect(tableLines({ rows, columns }, outputStreamOf().output)).toEqual([
      'NAME         COUNT',
      'a          1000000',
      'long-name        2',
    ]);
  });

  test('is cut at the edge of a terminal, and never in a pipe', () => {
    const wide = [{ name: 'x'.repeat(300), count: 1 }];
    const onTerminal = tableLines({ rows: wide, columns }, outputStreamOf({ columns: 40, env: { NO_COLOR: '1' } }).output);
    expect(Math.max(...onTerminal.map((line) => line.length))).toBe(40);
    expect(tableLines({ rows: wide, columns }, outputStreamOf().output)[1]).toContain('x'.repeat(300));
  });

  test('in another format is JSON, JSON lines, or names', () => {
    const print = (format: 'json' | 'jsonl' | 'name'): string => {
      const out = outputStreamOf();
      const terminal = { out: out.output, err: outputStreamOf().output, warn: () => {}, canAsk: false, ask: () => Promise.resolve(false) };
      printList({ terminal, format }, { rows, columns, name: ({ name }) => name, empty: '' });
      return out.lines.join('\n');
    };
    expect(JSON.parse(print('json'))).toEqual(rows);
    expect(
      print('jsonl')
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(rows);
    expect(print('name')).toBe('a\nlong-name');
  });
});
