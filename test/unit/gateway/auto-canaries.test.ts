import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { FunctionAlias, FunctionEntry } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { AuditEntry } from '#src/core/ports/stores/audit-log.ts';
import { type AutoCanariesOptions, decideCanaries } from '#src/gateway/operations/auto-canaries.ts';
import { type Planted, type Simulated, simulateCanary } from '#test/support/canaries/simulated-canary.ts';
import { createSeededRandom } from '#test/support/seeded-random.ts';

/** `SEQUENT_CANARY_RUNS=2000` is the long form: it simulates every row of the documents. */
const runsOf = (): number => Number(process.env.SEQUENT_CANARY_RUNS ?? 100);
const isLong = (): boolean => process.env.SEQUENT_CANARY_RUNS !== undefined;
/** Two standard errors below 80 % in the short form. */
const leastPromoted = (): number => (isLong() ? 0.8 : 0.8 - 2 * Math.sqrt((0.8 * 0.2) / runsOf()));
const TIMEOUT_IN_MS = 3_600_000;

async function simulate(planted: Planted, upTo: number): Promise<Simulated[]> {
  const random = createSeededRandom(20_261_203);
  const found: Simulated[] = [];
  for (let run = 0; run < runsOf(); run++) found.push(await simulateCanary({ ...planted, upTo, random }));
  return found;
}

const weights = [10, 20, 50] as const;

describe('a simulated canary', () => {
  const worsenings = [1, 2, 5, 10].flatMap((of) => weights.map((weight) => ({ of, to: 2 * of, weight })));
  test.for(worsenings)(
    'with $to % failures instead of $of % is promoted in at most 5 % (weight $weight)',
    { timeout: TIMEOUT_IN_MS },
    async ({ of, to, weight }) => {
      const found = await simulate({ weight, failsOfMain: of / 100, failsOfCanary: to / 100 }, 100_000);
      expect(found.filter(({ decision }) => decision === 'promoted').length / found.length).toBeLessThanOrEqual(0.05);
    },
  );

  const stated = numbersIn('docs/functions.md').filter(({ rate, weight }) => isLong() || rate === 1 || (rate === 0.1 && weight === 10));
  test.for(stated)(
    'that fails in $rate % as the main version does is promoted in 80 % within $ended (weight $weight)',
    {
      timeout: TIMEOUT_IN_MS,
    },
    async ({ rate, weight, ended }) => {
      const found = await simulate({ weight, failsOfMain: rate / 100, failsOfCanary: rate / 100 }, ended);
      expect(found.filter(({ decision }) => decision === 'promoted').length / found.length).toBeGreaterThanOrEqual(leastPromoted());
    },
  );

  test('is promoted by the numbers that both documents state', () => {
    expect(numbersIn('docs/functions.md')).toHaveLength(18);
    expect(numbersIn('docs/zh/functions.md')).toEqual(numbersIn('docs/functions.md'));
  });
});

type Stated = { rate: number; weight: number; ended: number };

/** The table of the ended invocations of a canary, with a column for each weight. */
function numbersIn(document: string): Stated[] {
  const text = readFileSync(new URL(`../../../${document}`, import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| ([\d.]+) ?% +\| ([\d,]+) +\| ([\d,]+) +\| ([\d,]+) +\|$/gm)];
  return rows.flatMap(([, rate, ...cells]) =>
    weights.map((weight, index) => ({ rate: Number(rate), weight, ended: Number(cells[index]?.replaceAll(',', '')) })),
  );
}

describe('an undecided canary', () => {
  const NAME = 'orders' as FunctionName;
  const alias: FunctionAlias = {
    ...{ name: 'prod', version: 'v1', description: '', weights: { v2: 50 }, auto: { promoteAfter: 500 } },
    ...{ changedAt: 0, weightedAt: 7 },
  };
  const entry = { definition: { name: NAME }, aliases: [alias], versions: [], revision: 1, version: 'latest' } as unknown as FunctionEntry;
  const row = (version: string, accepted: number, failed: number) => ({
    ...{ function: NAME, version, from: null, accepted, durationInMs: null, queueInMs: null, retried: 0, retriedEnded: 0 },
    ...{ byState: { notified: accepted }, byCondition: { SystemError: failed } },
  });

  /** Lets gateways judge a canary ten times, each, and returns what the audit log holds. */
  async function entriesAfter(gateways: number, ofCanary: number): Promise<AuditEntry[]> {
    const stored = new Map<string, readonly AuditEntry[]>();
    const runOne = async (): Promise<void> => {
      const stop = new AbortController();
      let looks = 0;
      const options: AutoCanariesOptions = {
        functions: { get: () => entry, subscribe: (listener) => listener(NAME, entry) },
        registry: { decideCanary: async () => expect.unreachable('the canary is undecided') },
        history: { stats: async () => [row('v1', ofCanary, 6), row('v2', ofCanary, 6)] },
        audit: { add: () => expect.unreachable('nothing is decided') },
        auditLog: {
          read: async () => [...stored.values()].flat(),
          append: async ({ id, entries }) => {
            if (!stored.has(id)) stored.set(id, entries);
            return true;
          },
        },
        clock: {
          now: () => 9,
          sleep: async () => {
            if (++looks === 10) stop.abort();
          },
        },
        logger: { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} } as unknown as AutoCanariesOptions['logger'],
        project: 'default',
        signal: stop.signal,
      };
      await decideCanaries(options);
    };
    await Promise.all(Array.from({ length: gateways }, runOne));
    return [...stored.values()].flat();
  }

  test('has one entry in the audit log of two gateways, with what is missing and how to decide', async () => {
    const entries = await entriesAfter(2, 600);
    expect(entries).toMatchObject([{ action: 'canary.undecided', subject: 'orders:!prod', by: 'sequent', project: 'default', at: 9 }]);
    expect(entries[0]?.why).toMatch(
      /^v2 stays after 600 ended invocations: that it is worse than v1 by 1 percentage point or more is not excluded \(p = \d\.\d{3}\)\. About \d{3,4} more of its invocations exclude it if both versions fail equally often\. To decide: sequent fn alias promote orders prod, or sequent fn alias rollback orders prod$/,
    );
  });

  test('has no entry before as many invocations ended as --promote-after says', async () => {
    expect(await entriesAfter(1, 499)).toEqual([]);
  });
});
