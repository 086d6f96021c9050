import { Session } from 'node:inspector/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineFunction } from '#src/client/worker/define-function.ts';
import { createTestSequent } from '#src/testing/testing.ts';
import { FLOW_FILES } from './measure/flow-files.ts';

/*
 * npm run bench:plain-hello
 *
 * Prints the files of Sequent in which a function executes for one invocation of a function without a flow, in memory, by V8's coverage.
 * Ends with 1 when the files are too many, or when one of them belongs to the flow.
 */

const MOST_FILES = 50;
const root = fileURLToPath(new URL('..', import.meta.url));

await using sequent = await createTestSequent({ functions: [defineFunction({ name: 'hello', handler: (event) => event })] });
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
const { requestId } = await sequent.invoke('hello', { name: 'world' });
await sequent.runUntilIdle();
const { result } = await session.post('Profiler.takePreciseCoverage');
const files = result
  .filter(({ url, functions }) => url.startsWith('file:') && functions.some(({ ranges: [whole] }) => (whole?.count ?? 0) > 0))
  .map(({ url }) => relative(root, fileURLToPath(url)))
  // The clock and the fakes of a test are no part of the product.
  .filter((file) => /^(src\/(?!testing\/)|machines\/)/.test(file))
  .sort();
const flow = files.filter((file) => FLOW_FILES.some((one) => file.startsWith(one)));
process.stdout.write(`${files.join('\n')}\n${files.length} files for ${requestId}, ${flow.length} of the flow\n`);
process.exitCode = files.length > MOST_FILES || flow.length > 0 ? 1 : 0;
