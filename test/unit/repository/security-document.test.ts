import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  CODE_STREAM,
  DIS_RECORDS,
  FLOW_BUCKET,
  FUNCTIONS_BUCKET,
  gatewayStreams,
  INVOCATIONS,
  PAYLOADS_STREAM,
  RESULTS,
  STATE_BUCKET,
} from '#src/nats/wire/topology.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
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
      ...['HTTP', 'Browser', 'Machine', 'Overload', 'NATS', 'Definition', 'URL', 'Connection', 'Code', 'Data', 'History', 'Supply'],
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

/** The rows of a section's table: the cells, without the heads. */
function rowsOf(title: string): string[][] {
  const part = document.split(/^## /m).find((one) => one.startsWith(title)) ?? '';
  const lines = part.split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(2).map((line) => line.split('|').map((cell) => cell.trim()));
}

describe('the tables of what projects share and cost in docs/security.md', () => {
  const shared = rowsOf('What projects share');
  const costs = rowsOf('What a project costs shared threads');

  test('have a row for each stream that Sequent creates', () => {
    const options = { replicas: 1, resultsStorage: 'file', resultsMaxAgeInMs: 1, maxAgeInMs: undefined } as const;
    const buckets = [FUNCTIONS_BUCKET, STATE_BUCKET, FLOW_BUCKET].map((bucket) => `KV_${bucket}`);
    const others = gatewayStreams(options).map(({ name }) => name);
    const streams = [INVOCATIONS, RESULTS, CODE_STREAM, PAYLOADS_STREAM, DIS_RECORDS, ...buckets, ...others];
    const rowNames = shared.map(([, thing = '']) => thing.replaceAll('`', ''));
    expect(streams.filter((name) => !rowNames.includes(name ?? ''))).toEqual([]);
  });

  test.for([...shared, ...costs])('name a bound that the code has: %s', (cells) => {
    const [, bound = '', file = ''] = /`(\w+)` in \[[\w.-]+\]\(\.\.\/(src\/[\w./-]+)\)/.exec(cells.join(' ')) ?? [];
    expect([bound, existsSync(`${root}/${file}`) && readFileSync(`${root}/${file}`, 'utf8').includes(bound)]).toEqual([bound, true]);
    expect(bound).not.toBe('');
  });
});
