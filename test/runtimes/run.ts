import { parseArgs } from 'node:util';
import { handlerFile } from '#test/support/hosts/executions.ts';
import { runCase } from './case.ts';
import { cases } from './cases.ts';

/*
 * npm run runtime-conformance -- <command> [arguments] --handlers <file>
 *
 * Drives a program that runs functions through the cases of docs/runtime-protocol.md. By default the functions are those of Node.js.
 */

const { values, positionals } = parseArgs({ options: { handlers: { type: 'string' } }, allowPositionals: true });
const file = values.handlers ?? handlerFile('handlers.mjs');
let passed = 0;
for (const one of cases) {
  const problem = await runCase(one, { command: positionals, file });
  if (problem === undefined) passed += 1;
  process.stdout.write(
    `${problem === undefined ? 'passed' : 'FAILED'}  ${one.title}\n${problem === undefined ? '' : `        ${problem}\n`}`,
  );
}
process.stdout.write(`${passed} of ${cases.length}\n`);
process.exitCode = passed === cases.length ? 0 : 1;
