import { once } from 'node:events';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { readPurge, requestPurge } from '#src/core/bulk/purge-operation.ts';
import { messageOf, TimedOutError } from '#src/core/errors.ts';
import { stormSubject } from '#src/core/names/subjects.ts';
import { readPatiently } from '#src/core/no-answer-error.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { abortWithin } from '#src/core/time/abort-within.ts';
import { Journal, type Part, readLog, readSource } from '#src/judge/collect.ts';
import type { Evidence } from '#src/judge/evidence.ts';
import { judge, openIn } from '#src/judge/judge.ts';
import { Witness } from '#src/judge/witness.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { RESULTS, STATE_BUCKET } from '#src/nats/wire/topology.ts';
import { usageProblem } from '../../problem.ts';
import { defineFunctions, expectedOf, loadAct, removeFunctions, type StormFunctions } from './functions.ts';
import { Load } from './load.ts';
import { resultsOf, type StormResults } from './report.ts';

type StormRun = {
  client: SequentClient;
  functions: StormFunctions;
  tag: string;
  minutes: number;
  rate: number;
  /** How long everything may take to end. */
  settle: number;
  keep?: true;
  /** Prints a line of progress. */
  report: (line: string) => void;
  /** Says what stays behind. */
  warn: (line: string) => void;
  /** Stops the storm: nothing is judged, and what it created is removed. */
  stop: AbortSignal;
};

type Judged = { results: StormResults; evidence: Evidence };

/** A worker may need to start a process, and to load the code. */
const FIRST_WITHIN_MS = 30_000;
/** The worker runs already. */
const WITNESSED_WITHIN_MS = 10_000;
const PROGRESS_EVERY_MS = 10_000;
const MIN_PAUSE_IN_MS = 1_000;
/** Of its limit: a stream with more may have removed its oldest messages. */
const FULL_SHARE = 0.9;
/** After Ctrl-C. */
const SEALED_WITHIN_MS = 10_000;
const REMOVED_WITHIN_MS = 120_000;
/** How long a janitor may take to erase the invocations, before the command leaves that to it. */
const ERASED_WITHIN_MS = 60_000;

/**
 * Runs a storm, judges it, and removes what it created. `undefined`: it was stopped. Throws `TimedOutError` when no worker runs its functions.
 * A removal that fails hides neither the verdict nor an earlier error.
 */
export async function runStorm(run: StormRun): Promise<Judged | undefined> {
  const { client, functions, stop } = run;
  const part: Part = { functions: functions.names, behind: await client.lastSequence() };
  let judged: Judged | undefined;
  const subject = stormSubject(run.tag);
  const witness = new Witness(client.connection.nats, { subject, act: await loadAct(), now: () => client.clock.now() });
  try {
    await defineFunctions(client, functions, subject);
    const journal = new Journal();
    if (!stop.aborted) await expectWorker(run, part, journal);
    const isWitnessed = !stop.aborted && (await reachesWitness(run, journal));
    if (!stop.aborted && !isWitnessed) {
      run.warn(say('executions are not judged: the workers do not reach this command on the subject {subject}', { subject }));
      await defineFunctions(client, functions);
    }
    if (!stop.aborted) judged = await judgeStorm(run, part, { journal, witness: isWitnessed ? witness : undefined });
  } finally {
    await witness.end();
    if (run.keep === undefined) await remove(run, part, judged?.results.valid ?? true).catch((error) => warnOfRest(run, error));
  }
  return judged;
}

function warnOfRest({ functions, warn }: StormRun, error: unknown): void {
  warn(
    say('not all of the storm is removed: {why}; then: {command}', {
      why: messageOf(error),
      command: `sequent fn rm ${functions.names.join(' ')}`,
    }),
  );
}

/** Resolves when the signal aborts. */
async function aborted(signal: AbortSignal): Promise<undefined> {
  if (!signal.aborted) await once(signal, 'abort');
  return undefined;
}

const cannotBeJudged = (why: string, remedy: string): Error => usageProblem('the storm cannot be judged', why, remedy);

/** Invokes a function once, before the storm. Throws when its execution fails: a storm of failures alone would break no promise. */
async function expectWorker({ client, functions, tag, stop }: StormRun, part: Part, journal: Journal): Promise<void> {
  const [name = ''] = functions.names;
  const id = `${tag}-first`;
  const send = () => client.invoke(name, { number: -1 }, { id });
  const invoked = await journal.record('submit', { function: name, ids: [id] }, send);
  const result = invoked.result({ timeoutInMs: FIRST_WITHIN_MS }).catch((cause: unknown) => {
    if (!(cause instanceof TimedOutError)) throw cause;
    throw new TimedOutError({ what: `an execution of ${name} by a worker of this cluster`, afterMs: FIRST_WITHIN_MS }, { cause });
  });
  const first = await Promise.race([result, aborted(stop)]);
  if (first === undefined) return;
  if (first.outcome === 'failed')
    throw cannotBeJudged(`its first request failed: ${first.envelope.response_context.function_error}`, 'sequent doctor');
  const [request] = await readLog(client.connection, part);
  if (request?.data !== '{"number":-1}')
    throw cannotBeJudged(
      'the project encrypts its payloads, and the judge compares raw messages',
      '--server of a cluster whose own project has plain payloads',
    );
}

/**
 * Whether an execution that this command answers arrives here. Workers that ask on a server of their own, and missing permissions of a user of an
 * earlier version, prevent that.
 */
async function reachesWitness({ client, functions, tag, stop }: StormRun, journal: Journal): Promise<boolean> {
  const name = functions.of('retried');
  const id = `${tag}-second`;
  const send = () => client.invoke(name, { number: -2 }, { id });
  const invoked = await journal.record('submit', { function: name, ids: [id] }, send);
  const result = invoked.result({ timeoutInMs: WITNESSED_WITHIN_MS }).catch((error: unknown) => {
    if (!(error instanceof TimedOutError)) throw error;
    return undefined;
  });
  return (await Promise.race([result, aborted(stop)]))?.outcome === 'succeeded';
}

/** `witness`: absent when no execution arrives there. */
type Recorded = { journal: Journal; witness: Witness | undefined };

async function judgeStorm(run: StormRun, part: Part, { journal, witness }: Recorded): Promise<Judged | undefined> {
  const { client, functions, minutes, rate, tag, stop } = run;
  const load = new Load({ client, storm: functions, journal, perSecond: rate, tag });
  const startedAt = performance.now();
  const reporting = setInterval(() => run.report(progressOf(load, journal, startedAt)), PROGRESS_EVERY_MS);
  await load.send(abortWithin(minutes * 60_000, stop)).finally(() => clearInterval(reporting));
  run.report(progressOf(load, journal, startedAt));
  const deadline = performance.now() + run.settle;
  await load.sealAll(deadline, stop);
  await Promise.race([load.watchEnds(), aborted(stop)]);
  if (stop.aborted) return void (await load.sealAll(performance.now() + SEALED_WITHIN_MS));
  const read = await readWhenOver(run, part, { deadline, witness });
  if (read === undefined) return undefined;
  const { log, results, executions } = read;
  const isKept = await keepsResults(client, log[0]?.at ?? 0);
  if (!isKept) run.warn(say('the published results are not judged: their stream is in memory, or at its limits'));
  const evidence: Evidence = {
    log,
    ...(isKept ? { results } : {}),
    ...(executions === undefined ? {} : { executions }),
    client: journal.ops,
    expected: expectedOf(functions),
    isOver: true,
  };
  return { results: resultsOf(evidence, judge(evidence), load.longestGapInMs), evidence };
}

/** Whether the stream of results still has all since a time: in memory it loses them with its server, and at its limits it removes the oldest. */
export async function keepsResults({ connection, clock }: Pick<SequentClient, 'connection' | 'clock'>, since: number): Promise<boolean> {
  const { config, state } = await connection.manager.streams.info(RESULTS);
  const isFull = config.max_bytes > 0 && state.bytes > FULL_SHARE * config.max_bytes;
  const isOld = config.max_age > 0 && since < clock.now() - config.max_age / 1_000_000;
  return `${config.storage}` === 'file' && !isFull && !isOld;
}

function progressOf({ acknowledged, longestGapInMs }: Load, { ops }: Journal, startedAt: number): string {
  const unknown = ops.filter(({ type }) => type === 'info').length;
  return say('{duration}: {count} acknowledged, {unknown} of unknown outcome, longest time without an acknowledgement {gap}', {
    duration: formatDuration(Math.round(performance.now() - startedAt)),
    count: acknowledged,
    unknown,
    gap: formatDuration(Math.round(longestGapInMs)),
  });
}

type ReadOptions = { deadline: number; witness: Witness | undefined };

/**
 * Reads the streams once everything is over, or at the deadline. A part that was read before counts for nothing: a fault may have taken it
 * since. Throws the last error when the streams cannot be read.
 */
async function readWhenOver({ client, report, stop }: StormRun, part: Part, { deadline, witness }: ReadOptions) {
  while (!stop.aborted) {
    const startedAt = performance.now();
    const isLast = startedAt > deadline;
    try {
      const open = openIn(await readLog(client.connection, part));
      // Executions end before the last read: a result that the log stores later would have none.
      if (open.length === 0 || isLast) return { executions: await witness?.end(), ...(await readSource(client.connection, part)) };
      report(say('{count} invocations are not over yet', { count: open.length }));
    } catch (error) {
      if (isLast) throw error;
    }
    await sleep(Math.max(MIN_PAUSE_IN_MS, performance.now() - startedAt), undefined, { signal: stop }).catch(() => {});
  }
  return undefined;
}

/** Removes the functions, and lets a janitor erase their invocations. Those of a storm that found something stay, as evidence. */
async function remove({ client, functions, tag, report }: StormRun, part: Part, isErased: boolean): Promise<void> {
  const deadline = performance.now() + REMOVED_WITHIN_MS;
  report(say('the functions of the storm are being removed'));
  await removeFunctions(client, functions, deadline);
  report(say('the functions of the storm are removed'));
  if (!isErased) return report(say('their invocations stay in the log: sequent ls {name}', { name: functions.names[0] ?? '' }));
  const erased = performance.now() + ERASED_WITHIN_MS;
  // Requests of a removed function end soon. Only what has ended is erased.
  while (performance.now() < erased && openIn(await readLog(client.connection, part)).length > 0) await sleep(MIN_PAUSE_IN_MS);
  const state = await openKeyValue(client.connection, STATE_BUCKET);
  const request = { before: client.clock.now(), by: userInfo().username, reason: `the end of the storm ${tag}` };
  const purges = await Promise.all(functions.names.map((name) => requestPurge(state, { ...request, function: name }, client.clock.now())));
  const isOver = await untilErased(
    state,
    client,
    purges.map(({ id }) => id),
    erased,
  );
  report(isOver ? say('its invocations are erased') : say('a janitor erases its invocations: sequent bulk ls'));
}

async function untilErased(
  state: KeyValue,
  { clock }: Pick<SequentClient, 'clock'>,
  ids: readonly string[],
  deadline: number,
): Promise<boolean> {
  for (;;) {
    const purges = await Promise.all(ids.map((id) => readPatiently(() => readPurge(state, id, clock.now()))));
    if (purges.every((purge) => purge?.operation.state !== 'running')) return true;
    if (performance.now() > deadline) return false;
    await sleep(MIN_PAUSE_IN_MS);
  }
}
