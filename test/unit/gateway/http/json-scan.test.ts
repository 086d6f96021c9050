import { describe, expect, test } from 'vitest';
import { DESCRIPTION_BOUNDS, LARGE_BOUNDS, MAX_DEPTH, refuseCostlyJson } from '#src/gateway/http/bodies/json-scan.ts';
import { ask, openApp } from '#test/support/gateway/opened-app.ts';

const scan = (text: string, bounds = { values: 10, loose: 100 }) => refuseCostlyJson(Buffer.from(text), bounds)?.problem;

describe('the cost of JSON', () => {
  test.for([
    ['few values', '{"a":[1,2,3],"b":"x"}'],
    ['a long string', `{"a":"${'x'.repeat(10_000)}"}`],
    ['brackets and commas in a string', `{"a":"${'[{,'.repeat(100)}"}`],
    ['a string with escaped quotes and backslashes', String.raw`{"a":"\"[[[\\","b":"\\\"{{{"}`],
    ['text beyond ASCII', '{"名":"值，值"}'],
    ['no end of a string', '"abc'],
    ['nothing', ''],
  ])('is low with %s', ([, text]) => {
    expect(scan(text ?? '')).toBeUndefined();
  });

  test.for([
    ['many elements', `[${'1,'.repeat(11)}1]`, 'has more than 10 values'],
    ['many objects', `[${'{}'.repeat(11)}]`, 'has more than 10 values'],
    ['much white space', `[${' '.repeat(101)}]`, 'has more than 100 bytes outside of its strings'],
    ['many escaped quotes', `"${'\\"'.repeat(101)}"`, 'has more than 100 bytes outside of its strings'],
  ])('is too high with %s', ([, text, problem]) => {
    expect(scan(text ?? '')).toBe(problem);
  });

  test('is bounded in depth, whatever the other bounds are', () => {
    expect(refuseCostlyJson(Buffer.from('['.repeat(MAX_DEPTH)))).toBeUndefined();
    expect(refuseCostlyJson(Buffer.from('['.repeat(MAX_DEPTH + 1)))).toEqual({
      status: 406,
      problem: `nests deeper than ${MAX_DEPTH} levels`,
    });
  });

  test.for([
    ['/api/functions/f/packages', LARGE_BOUNDS],
    ['/v2/p1/fgs/functions', DESCRIPTION_BOUNDS],
  ] as const)('of a body of 31 MB with small values is refused by %s', async ([path, bounds]) => {
    const body = `{"files":[${'{"a":1},'.repeat(4_000_000)}{}]}`;
    const reply = await ask(await openApp(), 'POST', path, { body });
    expect([reply.status, await reply.text()]).toEqual([413, expect.stringContaining(`has more than ${bounds.values} values`)]);
  });

  test('of many unknown keys does not fill the answer', async () => {
    const body = `{${Array.from({ length: 40_000 }, (_, at) => `"k${at}":1`).join(',')}}`;
    const reply = await ask(await openApp(), 'POST', '/api/functions/f/packages', { body });
    expect(reply.status).toBe(400);
    expect((await reply.text()).length).toBeLessThan(8_000);
  });
});
