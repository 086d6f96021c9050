import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { serveSequent } from '#test/support/cli/cli.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(async () => {
  const sequent = await serveSequent(['--deploy-examples']);
  for (const id of ['one', 'two'])
    expect(await sequent.run(['invoke', 'hello', '--id', id, '-d', '{"name":"a, \\"b\\""}', '--wait'])).toMatchObject({ code: 0 });
  return sequent;
});

describe('sequent sql', () => {
  test('prints a table, JSON, JSON Lines, CSV and names', { timeout: 120_000 }, async ({ sequent }) => {
    const sql = "select id, function, attempts, 'a, \"b\"' as text from invocations where function = 'hello' order by id";
    const run = async (...args: string[]) => await sequent.run(['sql', sql, ...args]);
    expect(await run()).toMatchObject({
      code: 0,
      stdout: 'id   function  attempts  text\none  hello            1  a, "b"\ntwo  hello            1  a, "b"\n',
    });
    expect(JSON.parse((await run('--json')).stdout)).toEqual(
      ['one', 'two'].map((id) => ({ id, function: 'hello', attempts: 1, text: 'a, "b"' })),
    );
    expect(await run('-o', 'name')).toMatchObject({ stdout: 'one\ntwo\n' });
    expect(await run('--csv')).toMatchObject({ stdout: 'id,function,attempts,text\none,hello,1,"a, ""b"""\ntwo,hello,1,"a, ""b"""\n' });
    expect(await run('--limit', '1', '-o', 'jsonl')).toMatchObject({
      stdout: expect.stringMatching(/^.*"one".*\n$/),
      stderr: expect.stringContaining('more rows'),
    });
    expect(await sequent.run(['sql', 'select count(*) from invocations', '--project', 'nobody', '-o', 'name'])).toMatchObject({
      code: 0,
      stdout: '0\n',
    });
  });

  test('prints no text in CSV that a terminal obeys, or that a spreadsheet takes for a formula', { timeout: 60_000 }, async ({
    sequent,
  }) => {
    const texts = [
      "char(27) || '[2J'",
      'char(155)',
      'char(8238)',
      "'=cmd|''/C calc''!A0'",
      "'+1'",
      "'-1'",
      "'@x'",
      '-1',
      "'a' || char(10) || 'b'",
    ];
    const sql = `select ${texts.map((text, index) => `${text} as c${index}`).join(', ')}`;
    const [, ...lines] = (await sequent.run(['sql', sql, '--csv'])).stdout.split('\n');
    expect(lines.join('\n')).toBe("\\u001b[2J,\\u009b,\\u202e,'=cmd|'/C calc'!A0,'+1,'-1,'@x,-1,\"a\nb\"\n");
  });

  test('ends a query that never ends, and answers others meanwhile', { timeout: 120_000 }, async ({ sequent }) => {
    const endless = 'with recursive c(n) as (select 1 union all select n + 1 from c) select count(*) from c';
    const [ended, others] = await Promise.all([
      sequent.run(['sql', endless, '--timeout', '4s']),
      sequent.run(['sql', 'select count(*) from invocations', '-o', 'name']),
    ]);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('was ended after 4000 ms') });
    expect(others).toMatchObject({ code: 0, stdout: '2\n' });
    expect(await sequent.run(['sql', 'delete from invocations'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('must begin with SELECT'),
    });
    expect(await sequent.run(['sql', 'select absent from invocations'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such column: absent'),
    });
  });

  test('answers each query of the document', { timeout: 200_000 }, async ({ sequent }) => {
    const text = readFileSync(new URL('../../../docs/sql.md', import.meta.url), 'utf8');
    const queries = [...text.matchAll(/^```sql\n([\s\S]*?)^```$/gm)].map(([, query = '']) => query);
    expect(queries).toHaveLength(10);
    for (const query of queries) {
      const { code, stderr } = await sequent.run(['sql', query, '--json']);
      expect({ query, code, stderr }).toEqual({ query, code: 0, stderr: '' });
    }
  });
});
