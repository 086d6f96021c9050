import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { durationOption } from '#src/cli/arguments/durations.ts';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';
import { formatMoment, plural } from '#src/cli/print/format.ts';
import { printOne } from '#src/cli/print/output.ts';
import { type ErasureRecord, erasureKey, parseErasureRecord } from '#src/core/log/erasure-request.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { action, type Call } from '../call.ts';
import { CommandError, type ExitCode, exitCodes } from '../problem.ts';
import { withClient } from '../session.ts';

type PurgeOptions = { function: string; before: number; reason?: string; dryRun?: true; wait: number };

export function purgeCommand(): Command {
  return new Command('purge')
    .summary('erase finished invocations for ever')
    .description(
      'Erases what users sent: the finished invocations of a function, from the log, the archive, the results and the read models. It is said in the log who asked for it.',
    )
    .requiredOption('--function <name>', 'of this function')
    .requiredOption(
      '--before <time>',
      'accepted before this moment (2026-01-31T12:00:00Z), or longer ago than this (30d)',
      parsePointInTime,
    )
    .option('--reason <text>', 'why: it is kept in the log')
    .option('--dry-run', 'only say what would be erased')
    .addOption(durationOption('--wait <duration>', 'how long to wait for the janitor', 600_000))
    .addHelpText('after', examples)
    .action(action<PurgeOptions>(purge));
}

const examples = `
Examples:
  sequent purge --function orders --before 30d --dry-run
  sequent purge --function orders --before 2026-01-31 --reason 'request 4711 of the data protection officer'

What is not finished is left alone. Exit codes: 0 it is done, 7 it was asked for, and no janitor has done it yet.`;

const LOOK_EVERY_MS = 250;

async function purge(call: Call<PurgeOptions>): Promise<ExitCode> {
  const { options, terminal } = call;
  const request = {
    function: parseFunctionName(options.function),
    before: options.before,
    by: `${userInfo().username}`,
    at: Date.now(),
    isTrial: options.dryRun === true,
    ...(options.reason === undefined ? {} : { reason: options.reason.slice(0, 1_000) }),
  };
  return await withClient(options, async ({ connection }) => {
    const { openKeyValue } = await import('#src/nats/key-value.ts');
    const { STATE_BUCKET } = await import('#src/nats/wire/topology.ts');
    const state = await openKeyValue(connection, STATE_BUCKET, undefined);
    const id = randomBytes(8).toString('hex');
    const asked: ErasureRecord = { state: 'asked', request };
    await state.put(erasureKey(id), JSON.stringify(asked), 0);
    const deadline = Date.now() + options.wait;
    let told = asked.state;
    for (;;) {
      const record = parseErasureRecord((await state.get(erasureKey(id)))?.value) ?? asked;
      if (record.state === 'done') {
        printOne(call, { value: { id, ...record }, name: id, lines: () => linesOf(id, record) });
        return exitCodes.ok;
      }
      if (record.state !== told) terminal.err.line(terminal.err.paint.dim(progressOf(record)));
      told = record.state;
      if (Date.now() > deadline) throw notYet(id, told);
      await sleep(LOOK_EVERY_MS);
    }
  });
}

function progressOf({ state, sequence }: ErasureRecord): string {
  return state === 'written' ? `the log says so at ${sequence}` : 'it is being erased';
}

function linesOf(id: string, { request, found, erased, sequence }: ErasureRecord): string[] {
  const { invocations = 0, messages = 0 } = found ?? {};
  const what = `${plural(invocations, 'finished invocation')} of ${request.function} from before ${formatMoment(request.before)}, in ${plural(messages, 'message')}`;
  if (request.isTrial) return [`would erase ${what}`];
  if (erased === undefined) return [`there was nothing to erase: ${what}`];
  return [
    `erased ${what}`,
    `${plural(erased.segments, 'segment')} rewritten, ${plural(erased.results, 'result')} removed; sequence ${sequence} of the log says so, as ${id}`,
  ];
}

function notYet(id: string, state: string): CommandError {
  return new CommandError({
    code: 'TIMED_OUT',
    exitCode: exitCodes.timedOut,
    what: 'the erasure is not done yet',
    why: `it is ${state}, and kept as ${id}: a janitor goes on with it as soon as one runs and every projection has read the log that far`,
    remedy: 'sequent serve --role janitor',
  });
}
