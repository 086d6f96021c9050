import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { durationOption, parseDecimal, parseWhole } from '#src/cli/arguments/durations.ts';
import { printOne } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import type { Evidence } from '#src/judge/evidence.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { printConnection, withClient } from '../../session.ts';
import type { StormResults } from './report.ts';

type StormOptions = { minutes: number; rate: number; settle: number; to?: string; keep?: true; dryRun?: true };

/** The judge holds all messages in memory. */
const MAX_REQUESTS = 100_000;

export function stormCommand(): Command {
  return new Command('storm')
    .description(
      'Sends requests of all kinds to a cluster while you cause faults, and then judges whether its promises held: from the raw messages of the log, what the clients saw and what was executed, by a judge that shares no code with Sequent.',
    )
    .option('--minutes <n>', 'how long requests are sent', parseDecimal(0.01, 1_440), 10)
    .option('--rate <n>', 'requests per second', parseWhole(1, 1_000), 50)
    .addOption(durationOption('--settle <duration>', 'how long everything may take to end, after the last request', 120_000))
    .option('--to <folder>', 'write results.edn, history.edn (for Elle and Knossos) and evidence.jsonl into this folder')
    .option('--keep', 'keep the functions and the invocations')
    .option('--dry-run', 'print what would be created, and create nothing')
    .addHelpText('after', examples)
    .action(action<StormOptions>(storm));
}

const examples = `
Examples:
  sequent storm --server nats://10.0.0.5:4222 --minutes 10
  sequent storm --minutes 30 --rate 30 --to storm-results
  sequent storm --dry-run

While it runs: kill processes and servers, pause them, cut the network, fill a disk. Let everything run again before the time is over.
The functions have names that begin with "storm-". At the end, and after Ctrl-C, they are removed and their invocations are erased; when a
promise was broken, the invocations stay. A server that lost its power may lose the last messages, unless it syncs each one: that is found too.
Exit codes: 0 every promise held, 1 a promise was broken, 2 the cluster cannot be judged, 7 no worker ran the first request, 130 Ctrl-C.`;

async function storm(call: Call<StormOptions>): Promise<ExitCode> {
  const { minutes, rate, dryRun } = call.options;
  const { requestsOf } = await import('./load.ts');
  const requests = requestsOf(minutes, rate);
  if (requests > MAX_REQUESTS) {
    const why = `${requests} requests in all, and the judge holds at most ${MAX_REQUESTS} in memory`;
    throw usageProblem('the storm is too long for its rate', why, '--minutes 10 --rate 50');
  }
  const tag = randomBytes(3).toString('hex');
  const { namesOf } = await import('./functions.ts');
  const functions = namesOf(tag);
  return await withClient(call.options, async (client) => {
    if (dryRun) return printPlan(call, { functions: functions.names, requests });
    // Now, because an error after the storm would lose its evidence.
    if (call.options.to !== undefined) mkdirSync(call.options.to, { recursive: true });
    printConnection(client, call.terminal.err);
    const { runStorm } = await import('./run.ts');
    const { stop, release } = stopOnSignals(call.options.host);
    const { line, paint } = call.terminal.err;
    const isForPerson = call.format === 'table';
    try {
      if (isForPerson) line(say('storm {tag}: now cause faults for {minutes} minutes', { tag, minutes }));
      const report = (text: string): void => void (isForPerson && line(paint.dim(text)));
      const ran = await runStorm({ ...call.options, client, functions, tag, report, warn: call.terminal.warn, stop });
      return ran === undefined ? exitCodes.interrupted : await printResults(call, ran);
    } finally {
      release();
    }
  });
}

function printPlan(call: Call<StormOptions>, plan: { functions: readonly string[]; requests: number }): ExitCode {
  const { minutes, rate, to } = call.options;
  const lines = (): string[] => [
    say('would define these functions, send about {requests} requests to them, and remove all of it at the end:', plan),
    ...plan.functions.map((name) => `  ${name}`),
    ...(to === undefined ? [] : [say('would write {folder}', { folder: to })]),
  ];
  printOne(call, { value: { dryRun: true, ...plan, minutes, rate }, name: plan.functions.join('\n'), lines });
  return exitCodes.ok;
}

async function printResults(
  call: Call<StormOptions>,
  { results, evidence }: { results: StormResults; evidence: Evidence },
): Promise<ExitCode> {
  const { encodeResults, linesOf } = await import('./report.ts');
  const { to } = call.options;
  // First, because the disk may be full.
  printOne(call, { value: results, name: results.valid ? 'valid' : 'invalid', lines: () => linesOf(results) });
  if (to !== undefined) {
    const { encodeEdn, writeEvidence } = await import('#src/judge/write-evidence.ts');
    writeFileSync(join(to, 'results.edn'), encodeResults(results));
    writeFileSync(join(to, 'history.edn'), encodeEdn(evidence.client));
    writeEvidence(join(to, 'evidence.jsonl'), evidence);
  }
  return results.valid ? exitCodes.ok : exitCodes.failed;
}

/** The first Ctrl-C stops the storm, so that what it created is removed. A second one ends the process at once. */
function stopOnSignals({ signals }: Call['options']['host']): { stop: AbortSignal; release: () => void } {
  const stopping = new AbortController();
  const others = signals.listeners('SIGINT') as (() => void)[];
  const onSignal = (): void => {
    if (stopping.signal.aborted) for (const other of others) other();
    stopping.abort();
  };
  const kinds = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  signals.removeAllListeners('SIGINT');
  for (const kind of kinds) signals.on(kind, onSignal);
  const release = (): void => {
    for (const kind of kinds) signals.removeListener(kind, onSignal);
    for (const other of others) signals.on('SIGINT', other);
  };
  return { stop: stopping.signal, release };
}
