import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { type Combination, combinations, findExceeded, requestOf } from '#test/support/flow/combinations.ts';
import { debounceWaitOf, shortestTimeOf } from '#test/support/flow/shortest-time.ts';
import { LEDGER_CLOCKS_DIFFER_BY_MS, readFacts } from '#test/support/log/flow-starts.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { medianOf, slownessOfMachine } from '#test/support/vitest/slowness.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

/** Two processes run workers: one has all roles, as `npm start` has, and the other is a worker alone. */
const PLACES = 20;
const WORKERS = 2;
const TAKES_MS = 200;
/** The share of the rate that the limits allow. */
const SHARE = 0.8;
const RATE_SHARE = 0.97;
const WITHIN_MS = 240_000;
const file = new URL('../support/e2e/turns.mjs', import.meta.url).pathname;

let client: SequentClient;
let log: LogWatch;
const opened: AsyncDisposable[] = [];
function use<Opened extends AsyncDisposable>(one: Opened): Opened {
  opened.push(one);
  return one;
}

beforeAll(async () => {
  const server = use(await startTestServer({ fsync: '100ms' }));
  const env = { NATS_URL: server.url };
  use(await startSequent([], env));
  use(await startSequent(['--role', 'worker'], env));
  client = use(await connectClient({ servers: server.url }));
  log = use(await watchLog(server.url));
}, WITHIN_MS);
afterAll(async () => {
  for (const one of opened.reverse()) await one[Symbol.asyncDispose]();
}, WITHIN_MS);

const put = (name: string, flow: Combination['flow'] | undefined) =>
  client.functions.put({
    ...{ name, handler: { kind: 'process', file }, concurrency: PLACES },
    ...(flow === undefined ? {} : { flow }),
    policy: { maxAgeInSeconds: 86_400 },
  });

async function invokeAll(combination: Combination, count: number): Promise<string[]> {
  const { names, flow } = combination;
  const requests = Array.from({ length: count }, (_, number) => ({ number, ...requestOf(combination, number) }));
  const parts = names.flatMap((name) => (flow.order === 'priority' ? [0, 1] : [undefined]).map((half) => ({ name, half })));
  const sent = parts.map(async ({ name, half }) => {
    const own = requests.filter((one) => one.name === name && (half === undefined || one.number % 2 === half));
    const events = own.map(({ key }) => ({ key, ms: TAKES_MS }));
    return await client.invokeMany(name, events, half === undefined ? {} : { priority: 9 * half });
  });
  return (await Promise.all(sent)).flat().map(({ requestId }) => requestId);
}

/** The time in which the limits and the places let the requests of a combination end, in milliseconds. Of a debounce, the leaders run. */
function timeAllowedBy({ names, flow, keys, requests }: Combination): number {
  const running = flow.debounce === undefined ? requests : keys;
  const ofRequests = Array.from({ length: running }, (_, number) => Math.floor(number / names.length) % keys);
  const work = { keys: ofRequests, takesMs: TAKES_MS, places: PLACES * WORKERS * names.length };
  return debounceWaitOf(flow) + shortestTimeOf(flow, work);
}

/**
 * The share of its rate that a measurement used, in relation to how slow the machine is just then. A share below the bound is measured twice
 * more, and the median counts: a pause of the machine spoils one measurement.
 */
async function medianShare(bound: number, measure: () => Promise<number>): Promise<number> {
  const related = async (): Promise<number> => (await measure()) * slownessOfMachine();
  const first = await related();
  return first >= bound ? first : medianOf([first, await related(), await related()]);
}

const text = (flow: Combination['flow']): string => JSON.stringify(flow).replaceAll('"', '').slice(1, -1);

describe('real processes use at least 0.8 of the rate that the limits allow', () => {
  test.for(combinations.map((one) => [text(one.flow), one] as const))('%s', { timeout: WITHIN_MS }, async ([title, combination]) => {
    // Without a flow, every place of both workers gets its process: a process starts in a tenth of a second, and two at a time.
    for (const name of combination.names) await put(name, undefined);
    await log.untilNotified(await invokeAll(combination, 4 * PLACES * WORKERS * combination.names.length), WITHIN_MS);
    for (const name of combination.names) await put(name, combination.flow);
    // The workers learn of the definition.
    await log.untilNotified(await invokeAll(combination, combination.names.length), WITHIN_MS);
    const share = await medianShare(SHARE, async () => {
      await systemClock.sleep(1_000);
      const ids = await invokeAll(combination, combination.requests);
      await log.untilNotified(ids, WITHIN_MS);
      const facts = ids.flatMap((id) => log.facts.get(id) ?? []);
      const times = (type: string): number[] => facts.flatMap((fact) => (fact.type === type ? [fact.at] : []));
      const tookMs = Math.max(...times('succeeded')) - Math.min(...times('queued'));
      // The executions before had no limit.
      const limited = (await readFacts(log.ports.log)).filter(({ fact }) => ids.includes(fact.invocation));
      expect(findExceeded(combination, limited, LEDGER_CLOCKS_DIFFER_BY_MS), INVARIANT).toEqual([]);
      const used = timeAllowedBy(combination) / tookMs;
      process.stdout.write(`${used.toFixed(2)} of the rate of its limits: ${title}\n`);
      return used;
    });
    expect(share).toBeGreaterThanOrEqual(SHARE);
  });

  test('and a rate of 100 a second is used to 0.97 beside another load', { timeout: WITHIN_MS }, async () => {
    const [limit, burst, count] = [100, 100, 1_100];
    await put('rated', { rate: { limit, per: '1s', burst } });
    await put('beside', undefined);
    await log.untilNotified(
      (await client.invokeMany('rated', [{}, {}])).map(({ requestId }) => requestId),
      WITHIN_MS,
    );
    let isOver = false;
    const beside = (async () => {
      while (!isOver) {
        await client.invokeMany('beside', Array(10).fill({ ms: 5 }));
        await systemClock.sleep(100);
      }
    })();
    const share = await medianShare(RATE_SHARE, async () => {
      // The level of the rate falls to zero.
      await systemClock.sleep(2_000);
      const ids = (await client.invokeMany('rated', Array(count).fill({ ms: 20 }))).map(({ requestId }) => requestId);
      await log.untilNotified(ids, WITHIN_MS);
      const starts = ids.flatMap((id) => (log.facts.get(id) ?? []).flatMap((fact) => (fact.type === 'running' ? [fact.at] : [])));
      const used = ((starts.length - burst) * 1_000) / (Math.max(...starts) - Math.min(...starts)) / limit;
      process.stdout.write(`${used.toFixed(3)} of the rate 100/1s is used beside another load\n`);
      return used;
    });
    isOver = true;
    await beside;
    expect(share).toBeGreaterThanOrEqual(RATE_SHARE);
  });
});
