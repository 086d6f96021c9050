import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createPythonFinder } from '#src/core/python/find-python.ts';
import { runCase } from '#test/runtimes/case.ts';
import { cases } from '#test/runtimes/cases.ts';
import { handlerFile } from '#test/support/hosts/executions.ts';

const program = (name: string): string => fileURLToPath(new URL(`../../../../src/hosts/runtime/${name}`, import.meta.url));
const { command: python } = await createPythonFinder().find('python3');

describe.each([
  { language: 'Node.js', command: [process.execPath, program('child.mjs')], file: handlerFile('handlers.mjs') },
  { language: 'Python', command: [python, '-B', '-s', program('python/child.py')], file: handlerFile('handlers.py') },
])('the runtime of $language keeps the protocol', (runtime) => {
  test.each(cases)('$title', async (one) => expect(await runCase(one, runtime)).toBeUndefined());
});

test('the kit has 40 cases', () => expect(cases).toHaveLength(40));
