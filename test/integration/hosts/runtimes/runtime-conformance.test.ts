import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { runCase } from '#test/runtimes/case.ts';
import { cases } from '#test/runtimes/cases.ts';
import { handlerFile } from '#test/support/hosts/executions.ts';
import { hasPython, python } from '#test/support/hosts/python.ts';

const program = (name: string): string => fileURLToPath(new URL(`../../../../src/hosts/runtime/${name}`, import.meta.url));

const runtimes = [
  { language: 'Node.js', command: [process.execPath, program('child.mjs')], file: handlerFile('handlers.mjs'), isFound: true },
  {
    language: 'Python',
    command: [python?.command ?? '', '-B', '-s', program('python/child.py')],
    file: handlerFile('handlers.py'),
    isFound: hasPython,
  },
];

for (const { language, isFound, ...runtime } of runtimes)
  describe.skipIf(!isFound)(`the runtime of ${language} keeps the protocol`, () => {
    test.each(cases)('$title', async (one) => expect(await runCase(one, runtime)).toBeUndefined());
  });

test('the kit has 40 cases', () => expect(cases).toHaveLength(40));
