import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectClient } from '#src/client/client.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openLoad } from './load/load.ts';
import { FLOW_FILES } from './measure/flow-files.ts';
import { startProduct } from './measure/product.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:flow-cost
 *
 * Measures which share of the processor time of npm start (all roles in one process) the code of the flow control has, while functions without a flow
 * run. A share of one CPU profile does not depend on the machine or on other load, as a comparison of two rates would.
 */

const BATCHED = 20_000;
const SINGLE = 10_000;
const MOST_IN_PERCENT = 2;
const root = new URL('../', import.meta.url);
const gone = FLOW_FILES.filter((file) => !existsSync(new URL(file, root)));
if (gone.length > 0) throw new Error(`these files of the flow control do not exist: ${gone.join(', ')}`);

const profiles = mkdtempSync(join(tmpdir(), 'sequent-profile-'));
await runWithoutFlow();
const { flowInMs, allInMs } = busiestOf(readProfiles().map(sumUp));
rmSync(profiles, { recursive: true });
const report = createReport();
report.figure('processor time of npm start without idle time', allInMs, 'ms');
report.figure('  of it in the flow control', flowInMs, 'ms');
report.check('  share, %', (100 * flowInMs) / allInMs, { max: MOST_IN_PERCENT });
process.exitCode = report.print() ? 0 : 1;

async function runWithoutFlow(): Promise<void> {
  await using server = await startTestServer({ fsync: '100ms' });
  await using _product = await startProduct(server.url, [], ['--cpu-prof', `--cpu-prof-dir=${profiles}`]);
  await using client = await connectClient({ servers: server.url });
  const handler = { kind: 'process' as const, file: new URL('./load/echo.mjs', import.meta.url).pathname };
  await client.functions.put({ name: 'free', handler, concurrency: 128 });
  const load = await openLoad(server.url);
  await load.batches('free', BATCHED);
  await load.singles('free', SINGLE);
  await load.close();
}

/** One profile for each thread. */
function readProfiles(): Profiler.Profile[] {
  return readdirSync(profiles).map((name) => JSON.parse(readFileSync(join(profiles, name), 'utf8')) as Profiler.Profile);
}

type Times = { flowInMs: number; allInMs: number };

function busiestOf(threads: readonly Times[]): Times {
  return threads.reduce((busiest, one) => (one.allInMs > busiest.allInMs ? one : busiest));
}

/** The time of a sample counts as that of the flow control when any function on its stack belongs to a file of it. */
function sumUp({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Times {
  const isFlow = new Map<number, boolean>();
  const idle = new Set<number>();
  const isOfFlow = (url: string): boolean => FLOW_FILES.some((file) => url.startsWith(new URL(file, root).href));
  // A node comes before its children.
  for (const { id, callFrame, children = [] } of nodes) {
    const isOwn = isFlow.get(id) === true || isOfFlow(callFrame.url);
    isFlow.set(id, isOwn);
    for (const child of children) isFlow.set(child, isOwn);
    if (callFrame.functionName === '(idle)' || callFrame.functionName === '(program)') idle.add(id);
  }
  let [flowInMs, allInMs] = [0, 0];
  for (const [index, id] of samples.entries()) {
    if (idle.has(id)) continue;
    const inMs = (timeDeltas[index] ?? 0) / 1_000;
    allInMs += inMs;
    if (isFlow.get(id) === true) flowInMs += inMs;
  }
  return { flowInMs, allInMs };
}
