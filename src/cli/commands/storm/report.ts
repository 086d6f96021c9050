import { say } from '#src/cli/texts/say.ts';
import type { Evidence } from '#src/judge/evidence.ts';

type Counts = { count: number; ok: number; fail: number; info: number };

/** What a storm found, in the form of Jepsen's results. */
export type StormResults = {
  valid: boolean;
  stats: Counts & { byF: Readonly<Record<string, Counts>> };
  log: { messages: number; attempts: number; succeeded: number; failed: number };
  /** How many executions this command answered, and judged; `null` when none could reach it. */
  executions: number | null;
  longestGapInMs: number;
  /** The broken rules of `src/DESIGN.md`, each with what did not hold. */
  anomalies: Readonly<Record<string, readonly string[]>>;
};

/** At most so many sentences of each rule are in the report. The files have the whole evidence. */
const MAX_EXAMPLES = 20;

/** `problems`: the sentences of the judge, each with the id of its rule before a colon. */
export function resultsOf({ client, log, executions }: Evidence, problems: readonly string[], longestGapInMs: number): StormResults {
  const byF: Record<string, Counts> = {};
  const stats = { count: 0, ok: 0, fail: 0, info: 0 };
  for (const { f, type } of client) {
    byF[f] ??= { count: 0, ok: 0, fail: 0, info: 0 };
    for (const counts of [stats, byF[f]]) counts[type === 'invoke' ? 'count' : type]++;
  }
  const appends = log.filter(({ subject }) => subject.startsWith('invocation.')).map(({ data }) => data);
  const countOf = (type: string): number => appends.reduce((sum, data) => sum + data.split(`"type":"${type}"`).length - 1, 0);
  const anomalies: Record<string, string[]> = {};
  for (const problem of problems) {
    const [rule = ''] = problem.split(':', 1);
    anomalies[rule] ??= [];
    anomalies[rule].push(problem.slice(rule.length + 2));
  }
  return {
    valid: problems.length === 0,
    stats: { ...stats, byF },
    log: { messages: log.length, attempts: countOf('running'), succeeded: countOf('succeeded'), failed: countOf('failed') },
    executions: executions?.filter(({ kind }) => kind === 'start').length ?? null,
    longestGapInMs: Math.round(longestGapInMs),
    anomalies,
  };
}

/** The results as Jepsen's `results.edn`. */
export function encodeResults({ valid, stats, log, executions, longestGapInMs, anomalies }: StormResults): string {
  const countsOf = ({ count, ok, fail, info }: Counts): string =>
    `:valid? ${count === 0 || ok > 0}, :count ${count}, :ok-count ${ok}, :fail-count ${fail}, :info-count ${info}`;
  const byF = Object.entries(stats.byF).map(([f, counts]) => `:${f} {${countsOf(counts)}}`);
  const found = Object.entries(anomalies).map(
    ([rule, all]) =>
      `:${rule} {:count ${all.length}, :examples [${all
        .slice(0, MAX_EXAMPLES)
        .map((one) => JSON.stringify(one))
        .join(' ')}]}`,
  );
  return `{:valid? ${valid},
 :stats {${countsOf(stats)}, :by-f {${byF.join(', ')}}},
 :log {:message-count ${log.messages}, :attempt-count ${log.attempts}, :succeeded-count ${log.succeeded}, :failed-count ${log.failed}},
 :executions {:count ${executions ?? 'nil'}},
 :availability {:longest-gap-ms ${longestGapInMs}},
 :anomalies {${found.join(',\n             ')}}}
`;
}

/** The results as a person reads them. */
export function linesOf({ valid, stats, log, executions, longestGapInMs, anomalies }: StormResults): string[] {
  const rules = Object.entries(anomalies);
  return [
    say('operations: {count}, of which {ok} ok, {fail} refused, {info} of unknown outcome', stats),
    say('log: {messages} messages, {attempts} attempts, {succeeded} succeeded, {failed} failed', log),
    ...(executions === null
      ? []
      : [say('executions: {count} were answered by this command, and compared with the log', { count: executions })]),
    say('longest time without an acknowledgement: {seconds} s', { seconds: (longestGapInMs / 1_000).toFixed(1) }),
    ...rules.flatMap(([rule, all]) => [
      say('{rule} was broken {count} times', { rule, count: all.length }),
      ...all.slice(0, MAX_EXAMPLES).map((one) => `  ${one}`),
    ]),
    valid ? say('every promise held') : say('{count} rules were broken: docs/proof.md names their claims', { count: rules.length }),
  ];
}
