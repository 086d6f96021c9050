import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type CrowdedPools, openCrowdedPools } from '#test/support/scheduler/crowded-pools.ts';
import type { Report } from './report.ts';

/** How many requests of each key wait. */
const EACH = 10;
const EVENTS = 10_000;
/** No step of a scheduler may take longer. */
const LONGEST_STEP_MS = 20;
/** The time of an event with ten times as many keys, at most. */
const MOST_GROWTH = 2;
const forms: Readonly<Record<string, Omit<CrowdedPools, 'keys'>>> = {
  'limit 1 for each key, total 50': { flow: { concurrency: 1, key: '$.key', total: 50 }, functions: 1, places: 64 },
  'the same in order': { flow: { concurrency: 1, key: '$.key', total: 50, order: 'fifo' }, functions: 1, places: 64 },
  'equal ranks of one limit of 20': { flow: { concurrency: 20, order: 'priority' }, functions: 1, places: 64 },
  'equal ranks, limit 1 for each key': { flow: { concurrency: 1, key: '$.key', order: 'priority' }, functions: 1, places: 64 },
  'rate 1/1d for each key': { flow: { rate: { limit: 1, per: '1d' }, key: '$.key' }, functions: 1, places: 64 },
  'limit 1 for each key, pool of 100 functions': {
    ...{ flow: { concurrency: 1, key: '$.key', total: 50, pool: 'shared' }, functions: 100, places: 2 },
  },
};

/** Measures what requests cost the scheduler and the ledger while very many wait, for 1 %, 10 % and all of them. In memory, without a server. */
export async function measureFlowState(report: Report, waiting: number): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (const [name, form] of Object.entries(forms)) {
    await measureForm(form, waiting / 100, collect);
    let before = Number.NaN;
    for (const count of [waiting / 100, waiting / 10, waiting]) {
      const { bytesEach, longestMs, longestFillMs, eventUs, entryBytes } = await measureForm(form, count, collect);
      const size = `${(count / EACH).toLocaleString('en')} keys`;
      report.figure(`${name}, ${size}: time of an event`, eventUs, 'µs');
      report.figure('  memory of a request that waits', bytesEach, 'bytes');
      report.figure('  largest entry', entryBytes / 1_000, 'KB');
      report.figure('  longest step while the requests come', longestFillMs, 'ms');
      report.check('  longest step', longestMs, { max: LONGEST_STEP_MS, unit: 'ms' });
      if (!Number.isNaN(before)) report.check('  an event / with a tenth of the keys', eventUs / before, { max: MOST_GROWTH });
      before = eventUs;
    }
  }
}

async function measureForm(form: Omit<CrowdedPools, 'keys'>, count: number, collect: () => void) {
  const before = await usedBytes(collect);
  const pools = openCrowdedPools({ ...form, keys: Math.ceil(count / EACH / form.functions) });
  const filling = createSteps();
  for (let number = 0; number < count; number++) {
    pools.enqueue(number);
    if (number % 64 === 0) await filling.next();
  }
  // The scheduler lists the first attempts.
  for (let turn = 0; turn < 50; turn++) {
    pools.turn();
    await filling.next();
  }
  const bytesEach = ((await usedBytes(collect)) - before) / count;
  const steps = createSteps();
  pools.serve();
  const from = process.cpuUsage();
  for (let sent = 0, idle = 0; pools.started < EVENTS && idle < 10_000; idle++) {
    const started = pools.started;
    pools.turn();
    for (; sent < pools.started; sent++) pools.enqueue(count + sent);
    if (pools.started > started) idle = 0;
    await steps.next();
  }
  const { user, system } = process.cpuUsage(from);
  pools.close();
  if (pools.started < Math.min(EVENTS, count / EACH)) throw new Error(`only ${pools.started} of ${EVENTS} attempts started`);
  return {
    ...{ bytesEach, longestMs: steps.longest, longestFillMs: filling.longest, entryBytes: pools.longestEntry },
    eventUs: (user + system) / pools.started,
  };
}

async function usedBytes(collect: () => void): Promise<number> {
  for (let turn = 0; turn < 2; turn++) {
    collect();
    await new Promise(setImmediate);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Finds the longest step of the event loop, by the processor time of its thread: other load and the helping threads of V8 do not count. */
function createSteps() {
  let from = threadMs();
  let longest = 0;
  return {
    get longest() {
      return longest;
    },
    async next(): Promise<void> {
      longest = Math.max(longest, threadMs() - from);
      await new Promise(setImmediate);
      from = threadMs();
    },
  };
}

/** The processor time of this thread in milliseconds. */
function threadMs(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;
}
