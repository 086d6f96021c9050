import { describe, expect, test } from 'vitest';
import { runCase, type Tested } from '#test/runtimes/case.ts';
import { cases } from '#test/runtimes/cases.ts';
import { notOfHttp } from '#test/runtimes/http-function.ts';
import { programOf, runtimeFile } from '#test/runtimes/programs.ts';
import { handlerFile } from '#test/support/hosts/executions.ts';
import { hasPython, python } from '#test/support/hosts/python.ts';

type Row = Tested & { language: string; isFound?: boolean; excepted?: Readonly<Record<string, string>> };
const rows: Row[] = [
  { language: 'Node.js', command: [process.execPath, runtimeFile('child.mjs')], file: handlerFile('handlers.mjs') },
  {
    language: 'Python',
    command: [python?.command ?? '', '-B', '-s', runtimeFile('python/child.py')],
    file: handlerFile('handlers.py'),
    isFound: hasPython,
  },
  { language: 'a custom runtime', ...programOf('custom') },
  { language: 'an HTTP function', ...programOf('http'), excepted: notOfHttp },
  { language: 'an executable', ...programOf('executable') },
];

for (const { language, isFound = true, excepted = {}, ...tested } of rows)
  describe.skipIf(!isFound)(`the runtime of ${language} keeps the protocol`, () => {
    const exceptions = cases.filter(({ title }) => title in excepted);
    test.each(cases.filter(({ title }) => !(title in excepted)))('$title', async (one) =>
      expect(await runCase(one, tested)).toBeUndefined(),
    );
    // An exception that is over must not stay in the table.
    test.each(exceptions.map((one) => ({ ...one, reason: excepted[one.title] })))('except: $title, as $reason', async (one) =>
      expect(await runCase(one, tested)).toBeDefined(),
    );
    test('every exception names a case', () => expect(exceptions).toHaveLength(Object.keys(excepted).length));
  });

test('the kit has 40 cases', () => expect(cases).toHaveLength(40));
