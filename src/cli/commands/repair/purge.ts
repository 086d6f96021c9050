import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { durationOption } from '#src/cli/arguments/durations.ts';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { printOne } from '#src/cli/print/output.ts';
import { say, sayCount } from '#src/cli/texts/say.ts';
import { type ErasureRecord, erasureKey, parseErasureRecord } from '#src/core/log/erasure-request.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { readPatiently } from '#src/core/no-answer-error.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { action, type Call } from '../../call.ts';
import { CommandError, type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';

type PurgeOptions = { function: string; before: number; reason?: string; plainRequests?: true; dryRun?: true; yes?: true; wait: number };

export function purgeCommand(): Command {
  return new Command('purge')
    .description(
      'Erases the finished invocations of a function from the log, the archive, the results and the read models. The log keeps a record of the erasure, its user and its reason.',
    )
    .requiredOption('--function <name>', 'of this function')
    .requiredOption(
      '--before <time>',
      'accepted before this moment (2026-01-31T12:00:00Z), or before this duration ago (30d)',
      parsePointInTime,
    )
    .option('--plain-requests', 'only requests in plain text that a project with encrypted payloads refused')
    .option('--reason <text>', 'the reason, which the log keeps')
    .option('--dry-run', 'only count what would be erased')
    .option('-y, --yes', 'do not ask for a confirmation')
    .addOption(durationOption('--wait <duration>', 'how long to wait for the janitor', 600_000))
    .addHelpText('after', examples)
    .action(action<PurgeOptions>(purge));
}

const examples = `
Examples:
  sequent purge --function orders --before 30d --dry-run
  sequent purge --function orders --before 2026-01-31 --reason 'request 4711 of the data protection officer'

The command counts first, and asks before it erases. Open invocations are not erased.
Exit codes: 0 erased, 1 not confirmed, 2 no terminal to ask on, 7 requested, and no janitor has finished it yet.`;

const POLL_IN_MS = 250;

async function purge(call: Call<PurgeOptions>): Promise<ExitCode> {
  const { options, terminal } = call;
  const erasure = {
    function: parseFunctionName(options.function),
    before: options.before,
    by: `${userInfo().username}`,
    ...(options.plainRequests === undefined ? {} : { only: 'plain-requests' as const }),
    ...(options.reason === undefined ? {} : { reason: options.reason.slice(0, 1_000) }),
  };
  if (!options.dryRun && !options.yes && !terminal.canAsk) throw unconfirmed(options.function);
  return await withClient(options, async ({ connection, clock }) => {
    const { openKeyValue } = await import('#src/nats/key-value.ts');
    const { STATE_BUCKET } = await import('#src/nats/wire/topology.ts');
    const state = await openKeyValue(connection, STATE_BUCKET);
    const perform = (isTrial: boolean): Promise<Performed> => waitForErasure(call, state, { ...erasure, isTrial, at: clock.now() });
    if (!options.dryRun && !options.yes) {
      const { record } = await perform(true);
      if (record.found?.invocations === 0) terminal.err.line(say('nothing to erase'));
      else if (!(await terminal.ask(say('Erase {what}? Nothing can bring them back.', { what: describeFound(record) })))) {
        terminal.err.line(say('nothing was erased'));
        return exitCodes.failed;
      }
    }
    const { id, record } = await perform(options.dryRun === true);
    printOne(call, { value: { id, ...record }, name: id, lines: () => linesOf(id, record) });
    return exitCodes.ok;
  });
}

type Performed = { id: string; record: ErasureRecord };

/** Requests an erasure, and waits until a janitor has finished it. Throws `CommandError` after `--wait`. */
async function waitForErasure(
  { options, terminal }: Call<PurgeOptions>,
  state: KeyValue,
  request: ErasureRecord['request'],
): Promise<Performed> {
  const id = randomBytes(8).toString('hex');
  const requested: ErasureRecord = { state: 'asked', request };
  await state.put(erasureKey(id), JSON.stringify(requested), 0);
  if (!request.isTrial) terminal.err.line(terminal.err.paint.dim(say('bulk operation {id}; sequent bulk show {id}', { id })));
  const deadline = performance.now() + options.wait;
  let printedState = requested.state;
  for (;;) {
    const record = parseErasureRecord((await readPatiently(() => state.get(erasureKey(id))))?.value) ?? requested;
    if (record.state === 'done') return { id, record };
    if (record.state === 'aborted') throw aborted(id, record);
    if (record.state !== printedState) terminal.err.line(terminal.err.paint.dim(progressOf(record)));
    printedState = record.state;
    if (performance.now() > deadline) throw notYet(id, printedState);
    await sleep(POLL_IN_MS);
  }
}

function unconfirmed(name: string): CommandError {
  return usageProblem(
    'nothing was erased',
    'the command needs a confirmation, and there is no terminal to ask on',
    `sequent purge --function ${name} … --yes, or --dry-run to count`,
  );
}

function progressOf({ state, sequence }: ErasureRecord): string {
  if (state !== 'written') return say('the erasure is in progress');
  return say('the erasure is recorded at sequence {sequence}', { sequence: sequence ?? '' });
}

function linesOf(id: string, { request, found, erased, sequence }: ErasureRecord): string[] {
  const what = describeFound({ request, found });
  if (request.isTrial) return [say('would erase {what}', { what })];
  if (erased === undefined) return [say('nothing to erase: {what}', { what })];
  return [
    say('erased {what}', { what }),
    say('{segments} rewritten, {results} removed; recorded as {id} at sequence {sequence} of the log', {
      segments: sayCount(erased.segments, ['{count} segment', '{count} segments']),
      results: sayCount(erased.results, ['{count} result', '{count} results']),
      id,
      sequence: sequence ?? '',
    }),
  ];
}

function describeFound({ request, found }: Pick<ErasureRecord, 'request' | 'found'>): string {
  const { invocations = 0, messages = 0 } = found ?? {};
  return say('{invocations} of {function} from before {time}, in {messages}', {
    invocations: sayCount(invocations, ['{count} finished invocation', '{count} finished invocations']),
    function: request.function,
    time: formatMoment(request.before),
    messages: sayCount(messages, ['{count} message', '{count} messages']),
  });
}

function aborted(id: string, { abortBy = 'somebody' }: ErasureRecord): CommandError {
  return new CommandError({
    code: 'ABORTED',
    exitCode: exitCodes.failed,
    what: 'nothing was erased',
    why: `${abortBy} aborted the purge ${id} before the log had its erasure`,
    remedy: `sequent bulk show ${id}`,
  });
}

function notYet(id: string, state: string): CommandError {
  return new CommandError({
    code: 'TIMED_OUT',
    exitCode: exitCodes.timedOut,
    what: 'the erasure is not finished',
    why: `erasure ${id} is in state ${state}; a janitor finishes it when one runs and every projection has read the request`,
    remedy: 'sequent serve --role janitor',
  });
}
