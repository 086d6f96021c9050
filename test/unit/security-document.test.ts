import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const document = readFileSync(`${root}/docs/security.md`, 'utf8');
const section = document.split(/^## /m).find((part) => part.startsWith('Threats and their tests')) ?? '';
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2);
/** The file and the title of the test that a row names. */
const named = rows.map((row) => /\(\.\.\/(test\/[\w./-]+)\): “(.+)”/.exec(row)?.slice(1) ?? [row, '']);

describe('the threat table of docs/security.md', () => {
  test('has a row for each boundary whose promises it lists', () => {
    const boundaries = new Set(rows.map((row) => row.split('|')[1]?.trim()));
    expect([...boundaries]).toEqual([
      ...['HTTP', 'Browser', 'Machine', 'Overload', 'NATS', 'Definition', 'URL', 'Connection', 'Code', 'Data', 'History'],
    ]);
    expect(rows.length).toBeGreaterThan(40);
  });

  test.for(named)('names a present test: %s: %s', ([file = '', title = '']) => {
    expect([file, existsSync(`${root}/${file}`)]).toEqual([file, true]);
    const source = readFileSync(`${root}/${file}`, 'utf8');
    expect([title, title !== '' && [`'${title}'`, `"${title}"`, `\`${title}\``].some((quoted) => source.includes(quoted))]).toEqual([
      title,
      true,
    ]);
  });
});
