import type { CanaryDecision, FunctionAlias, FunctionEntry } from '#src/core/functions/entry.ts';
import type { StatsRow } from '#src/core/history-questions.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { type AutoCanariesOptions, decideCanaries } from '#src/gateway/operations/auto-canaries.ts';

/** A canary of the simulation: its weight in percent, and the probabilities that an invocation fails and that it needs a retry. */
export type Planted = { weight: number; failsOfMain: number; failsOfCanary: number; retries?: boolean };
/** `ended`: the ended invocations of the canary at the decision, or at the end of the simulation. */
export type Simulated = { decision: CanaryDecision['decision'] | undefined; ended: number };
export type Simulation = Planted & {
  /** Without a decision, the simulation ends after so many ended invocations of the canary. */
  upTo: number;
  auto?: NonNullable<FunctionAlias['auto']>;
  random: () => number;
};

const NAME = 'orders' as FunctionName;
/** The canary is judged after every 25 invocations of its alias, and later whenever their number has grown by this part. */
const GROWTH = 32;
const LOOK_EVERY = 25;

/** Runs the loop of a gateway on invocations with the planted probabilities, until it decides. */
export async function simulateCanary({ upTo, auto = { promoteAfter: 500 }, random, ...planted }: Simulation): Promise<Simulated> {
  const alias: FunctionAlias = {
    ...{ name: 'prod', version: 'v1', description: '', weights: { v2: planted.weight }, auto },
    ...{ changedAt: 0, weightedAt: 0 },
  };
  const entry = { definition: { name: NAME }, aliases: [alias], versions: [], revision: 1, version: 'latest' } as unknown as FunctionEntry;
  const ended = new AbortController();
  const counts = { v1: { accepted: 0, failed: 0, retried: 0 }, v2: { accepted: 0, failed: 0, retried: 0 } };
  const found: Simulated = { decision: undefined, ended: 0 };
  const options: AutoCanariesOptions = {
    functions: { get: () => entry, subscribe: (listener) => listener(NAME, entry) },
    registry: {
      decideCanary: async (_name, _alias, { decision }) => {
        found.decision = decision;
        ended.abort();
        return undefined;
      },
    },
    history: {
      stats: async () => {
        const all = counts.v1.accepted + counts.v2.accepted;
        invoke(counts, Math.max(LOOK_EVERY, Math.floor(all / GROWTH)), { ...planted, random });
        found.ended = counts.v2.accepted;
        if (found.ended >= upTo) ended.abort();
        return Object.entries(counts).map(([version, count]) => rowOf(version, count));
      },
    },
    audit: { add: () => {} },
    auditLog: { read: async () => [], append: async () => true },
    clock: { now: () => 0, sleep: async () => {} },
    logger: SILENT,
    project: 'default',
    signal: ended.signal,
  };
  await decideCanaries(options);
  return found;
}

type Counts = { accepted: number; failed: number; retried: number };

function invoke(
  counts: Record<'v1' | 'v2', Counts>,
  invocations: number,
  { random, ...planted }: Planted & { random: () => number },
): void {
  const { weight, failsOfMain, failsOfCanary, retries = false } = planted;
  for (let invocation = 0; invocation < invocations; invocation++) {
    const isCanary = random() * 100 < weight;
    const count = isCanary ? counts.v2 : counts.v1;
    const fails = isCanary ? failsOfCanary : failsOfMain;
    const drawn = random();
    count.accepted++;
    if (drawn < fails) count.failed++;
    // An invocation fails after its retries, and as many succeed at a retry.
    if (retries && drawn < 2 * fails) count.retried++;
  }
}

function rowOf(version: string, { accepted, failed, retried }: Counts): StatsRow {
  return {
    ...{ function: NAME, version, from: null, accepted, durationInMs: null, queueInMs: null },
    ...{ byState: { notified: accepted }, byCondition: { SystemError: failed }, retried, retriedEnded: retried },
  };
}

const SILENT = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} } as unknown as AutoCanariesOptions['logger'];
