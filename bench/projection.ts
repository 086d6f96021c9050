import { measureBeside } from './measure/projection-beside.ts';
import { measureRebuild } from './measure/projection-rebuild.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:projection -- [invocations] [rebuild|beside]
 *
 * Measures a projection and its cost for the other roles. Ends with every figure and its bound; the exit code is 1 when a bound does
 * not hold. 1,000,000 invocations take about four minutes.
 */

const [invocations = '1000000', only] = process.argv.slice(2);
const report = createReport();
if (only !== 'beside') await measureRebuild(report, Number(invocations));
if (only !== 'rebuild') await measureBeside(report, 60_000);
process.exitCode = report.print() ? 0 : 1;
