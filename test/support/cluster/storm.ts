import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#src/core/ports/clock.ts';
import { readExecutions } from '#src/judge/collect.ts';
import type { Evidence } from '#src/judge/evidence.ts';
import { judge } from '#src/judge/judge.ts';
import { encodeEdn, writeEvidence } from '#src/judge/write-evidence.ts';
import { readStreams } from '#test/judge/read-server.ts';
import { validate } from '#test/specification/validate.ts';
import { openReceiver } from '#test/support/destinations/receiver.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';
import { createSeededRandom } from '#test/support/seeded-random.ts';
import { expectedIds, findBrokenReadModels, findDiscarded, findStormProblems } from './check.ts';
import { startCluster } from './cluster.ts';
import { type FaultContext, faults } from './faults.ts';
import { type Load, openLoad } from './load.ts';
import { expectedOfStorm } from './load-functions.ts';
import { type StormRoles, startRoles } from './roles.ts';
import { type Stalls, watchStalls } from './stalls.ts';
import { describeStragglers } from './stragglers.ts';
import type { Acknowledged } from './varied-load.ts';

export type StormOptions = {
  seed: number;
  seconds: number;
  /** Requests a second. */
  perSecond: number;
  /** The nats-server that runs three times. */
  bin: string;
  /** An empty folder for the stores, the read models and the record of the executions. */
  folder: string;
  say: (line: string) => void;
  /** Injects only the faults whose name contains this text. */
  only?: string;
};

export type StormReport = {
  acknowledged: number;
  unknown: number;
  faults: number;
  /** What did not hold. */
  problems: string[];
};

/** A fault, the time in which it was injected and its servers recovered, and the log lines of roles that discarded what they had read. */
type Window = { fault: string; from: number; until: number; discarded: readonly string[] };

const CALM_IN_MS = 1_500;
const CALM = 'no fault';
const MAX_CALM_GAP_IN_MS = 1_000;
/** On a slow machine the servers recover slowly, and a short storm lasts longer. */
const MIN_FAULTS = 2;
/** Every request is over within this time after the last fault. */
const ENDS_WITHIN_MS = 60_000;
const LOOKS_EVERY_MS = 100;
const ALONE_FOR_MS = 1_000;

/**
 * Runs two processes of each role on a cluster of three nats-servers, and injects one fault after another, in an order that the seed
 * repeats. Then checks the log, the executions, the replicas and the read models, and that one process of each role works alone.
 */
export async function runStorm(options: StormOptions): Promise<StormReport> {
  const { seed, seconds, perSecond, bin, folder, say, only = '' } = options;
  // The load draws as fast as it sends. The faults draw from numbers of their own, so that a seed repeats them.
  const random = createSeededRandom(seed);
  const startedAt = performance.now();
  const sayWhen = (what: string) => say(`  ${((performance.now() - startedAt) / 1_000).toFixed(1)} s: ${what}`);
  const executions = join(folder, 'executions');
  await writeFile(executions, '');
  say(`seed ${seed}: a storm of ${seconds} s, ${perSecond} requests a second`);
  await using receiver = await openReceiver();
  await using cluster = await startCluster(bin, folder);
  await using roles = await startRoles({ urls: cluster.urls, folder, executions, receiverPort: receiver.port });
  const common = {
    urls: cluster.urls,
    gateways: roles.gateways,
    executions,
    receiverUrl: receiver.url,
    random: createSeededRandom(seed + 1),
  };
  await using load = await openLoad({ ...common, perSecond });
  await using log = await watchLog(cluster.urls.join(','));
  sayWhen(`three servers and ${roles.all.length} roles are ready`);

  const context: FaultContext = { cluster, roles, connection: log.connection, random };
  using stalls = watchStalls();
  const injecting = injectFaults(context, { forMs: seconds * 1_000, sayWhen, only });
  await load.send(injecting);
  const windows = await injecting;
  await cluster.healthy();
  await load.varied.pauseSchedules();
  const problems = findLongGaps(windows, { acknowledged: load.acknowledged, stalls, say });
  problems.push(...(await untilEnded(load.acknowledged, log)));
  sayWhen('everything has ended');
  problems.push(...(await findBrokenReadModels(load.client)));
  sayWhen('the read models are compared with a fresh fold');
  problems.push(...(await findIdleRoles(roles, load, log)));
  // A batch that was sealed meanwhile completes after its members.
  problems.push(...(await untilEnded(load.acknowledged, log)));
  sayWhen('one process of each role worked alone, then the other one');
  const { acknowledged, unknown, varied } = load;
  say(`  ${varied.batches.length} batches, ${varied.redrives.length} redrives`);
  const discarded = new Set([...windows.flatMap((window) => window.discarded), ...findDiscarded(roles.lines())]);
  problems.push(...(await findStormProblems({ log, cluster, load, executions })), ...discarded);
  sayWhen('log, executions and replicas are checked');
  const evidence = {
    ...(await readStreams(cluster.urls.join(','))),
    client: load.journal.ops,
    executions: readExecutions(executions),
    expected: expectedOfStorm,
    isOver: true,
  };
  problems.push(...judge(evidence).map((problem) => `judge: ${problem}`));
  problems.push(...validate(evidence.log).map((problem) => `specification: ${problem}`));
  await writeHistory(folder, evidence);
  sayWhen('the judge read all messages and journals');
  const report = { acknowledged: acknowledged.length, unknown, faults: windows.length, problems };
  say(`seed ${seed}: ${report.faults} faults, ${report.acknowledged} acknowledged, ${unknown} unknown, ${problems.length} problems`);
  if (problems.length > 0) for (const line of roles.lines().slice(-60)) say(`  ${line.slice(0, 300)}`);
  return report;
}

/** The folder of a storm with a problem is kept: others can judge what happened. */
async function writeHistory(folder: string, evidence: Evidence): Promise<void> {
  writeEvidence(join(folder, 'evidence.jsonl'), evidence);
  await writeFile(join(folder, 'history.edn'), encodeEdn(evidence.client));
}

type Injecting = { forMs: number; sayWhen: StormOptions['say']; only: string };

async function injectFaults(context: FaultContext, { forMs, sayWhen, only }: Injecting): Promise<Window[]> {
  const startedAt = performance.now();
  const windows: Window[] = [];
  const names = Object.keys(faults).filter((name) => name.includes(only));
  if (names.length === 0) throw new Error(`no fault is named "${only}": ${Object.keys(faults).join(', ')}`);
  let order: string[] = [];
  await systemClock.sleep(CALM_IN_MS);
  while (performance.now() - startedAt < forMs || windows.length < MIN_FAULTS) {
    if (order.length === 0) order = shuffled(names, context.random);
    const fault = order.pop() ?? '';
    const from = performance.now();
    await faults[fault]?.run(context);
    await context.cluster.healthy();
    windows.push({ fault, from, until: performance.now(), discarded: findDiscarded(context.roles.lines()) });
    sayWhen(`${fault}, for ${((performance.now() - from) / 1_000).toFixed(1)} s`);
    await systemClock.sleep(CALM_IN_MS);
  }
  return windows;
}

function shuffled(names: readonly string[], random: () => number): string[] {
  return names
    .map((name) => ({ name, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ name }) => name);
}

/** Waits for every acknowledged request, and for whatever else the log holds: requests whose acknowledgement was lost. */
async function untilEnded(acknowledged: readonly Acknowledged[], { facts }: LogWatch): Promise<string[]> {
  const deadline = performance.now() + ENDS_WITHIN_MS;
  const isOpen = (id: string): boolean => !facts.get(id)?.some(({ type }) => type === 'notified');
  const expected = expectedIds(acknowledged);
  for (;;) {
    const open = [...new Set([...expected, ...facts.keys()])].filter(isOpen);
    if (open.length === 0) return [];
    if (performance.now() > deadline) {
      const seen = open.slice(0, 20).map((id) => `${id}: ${JSON.stringify(facts.get(id)?.slice(-4))?.slice(0, 900)}`);
      return [`${open.length} did not end within ${ENDS_WITHIN_MS} ms after the last fault`, ...describeStragglers(open, facts), ...seen];
    }
    await systemClock.sleep(LOOKS_EVERY_MS);
  }
}

type Received = { acknowledged: readonly Acknowledged[]; stalls: Stalls; say: StormOptions['say'] };

/**
 * Prints the longest time without an acknowledgement during each kind of fault, and compares it with the bound. A busy machine causes gaps
 * without a fault; the longest one of this run is allowed in addition, up to a second. The time in which this process stood still does not
 * count: it sent no request, and received no acknowledgement.
 */
function findLongGaps(windows: readonly Window[], { acknowledged, stalls, say }: Received): string[] {
  const times = acknowledged.map(({ at }) => at).sort((one, other) => one - other);
  const longest = new Map<string, number>();
  for (const [index, at] of times.entries()) {
    const from = times[index - 1] ?? at;
    const gap = at - from - stalls.between(from, at);
    const faultsIn = windows.filter((window) => window.from <= at && window.until >= from).map(({ fault }) => fault);
    for (const name of faultsIn.length === 0 ? [CALM] : faultsIn) longest.set(name, Math.max(longest.get(name) ?? 0, gap));
  }
  for (const [name, gap] of longest) say(`  longest gap of acknowledgements: ${(gap / 1_000).toFixed(2)} s, ${name}`);
  const inCalm = Math.min(longest.get(CALM) ?? 0, MAX_CALM_GAP_IN_MS);
  return [...longest].flatMap(([name, gap]) =>
    gap > (faults[name]?.maxGapInMs ?? Number.POSITIVE_INFINITY) + inCalm
      ? [`no acknowledgement for ${Math.round(gap)} ms during: ${name}`]
      : [],
  );
}

/** Kills one process of each role, then the other one. */
async function findIdleRoles(roles: StormRoles, load: Load, { untilNotified }: LogWatch): Promise<string[]> {
  const problems: string[] = [];
  for (const index of [0, 1]) {
    const killed = roles.all.filter(({ name }) => name.endsWith(`-${index}`));
    await Promise.all(killed.map(roles.kill));
    const before = load.acknowledged.length;
    await load.send(systemClock.sleep(ALONE_FOR_MS));
    const sent = load.acknowledged.slice(before);
    const isEnded = await untilNotified(expectedIds(sent), ENDS_WITHIN_MS).then(
      () => true,
      () => false,
    );
    if (!isEnded || sent.length === 0)
      problems.push(`without ${killed.map(({ name }) => name).join(', ')}, ${sent.length} requests did not end`);
    if (index === 0) await Promise.all(killed.map(roles.start));
  }
  return problems;
}
