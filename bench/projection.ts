import { measureBeside } from './projection-beside.ts';
import { measureRebuild } from './projection-rebuild.ts';
import { createReport } from './report.ts';

/*
 * node --import tsx bench/projection.ts [invocations] [rebuild|beside]: what a projection does, and what it costs the rest. Ends with
 * every figure beside its bound; exit code 1 when one does not hold. With 1,000,000 invocations it takes about four minutes.
 */

const [invocations = '1000000', only] = process.argv.slice(2);
const report = createReport();
if (only !== 'beside') await measureRebuild(report, Number(invocations));
if (only !== 'rebuild') await measureBeside(report, 60_000);
process.exitCode = report.print() ? 0 : 1;
