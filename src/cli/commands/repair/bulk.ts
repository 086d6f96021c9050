import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { type Column, printList, printOne } from '#src/cli/print/output.ts';
import { say, sayCount, sayWord } from '#src/cli/texts/say.ts';
import { sealBatchOf } from '#src/client/invoke/seal-bulk-batch.ts';
import { type BulkOperation, type BulkState, bulkStateOf, type StoredBulk } from '#src/core/bulk/bulk-operation.ts';
import { openBulkStore } from '../../bulk/bulk-store.ts';
import { action, type Call } from '../../call.ts';
import { CommandError, type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

export function bulkCommand(): Command {
  return new Command('bulk')
    .description(
      'Bulk operations, started from the pages, over HTTP, or by sequent redrive --failed, cancel --open and purge: their progress, and how to end them.',
    )
    .addCommand(
      new Command('ls')
        .alias('list')
        .summary('list the operations')
        .description('Lists the bulk operations, the newest first. The last 200 ended ones are kept.')
        .action(action(list)),
    )
    .addCommand(
      new Command('show')
        .summary('show one operation with its failures')
        .description('Shows the progress of a bulk operation, and the first 100 invocations that it could not change.')
        .argument('<id>', 'the id of the operation')
        .addHelpText('after', '\nExit codes: 0 found, 3 no such operation.')
        .action(action(show)),
    )
    .addCommand(
      withDryRun(new Command('abort'))
        .summary('end an operation early')
        .description(
          'Ends a bulk operation. What it has done stays. At most 50 further invocations are changed. A purge can be ended until the log has its erasure.',
        )
        .argument('<id>', 'the id of the operation')
        .addHelpText('after', '\nExit codes: 0 asked to end, 3 no such operation, 4 it is over.')
        .action(action(abort)),
    );
}

type Row = BulkOperation & { id: string; present: BulkState };

const columns: Column<Row>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'ACTION', cell: (row) => sayWord(row.action) },
  { head: 'STATE', cell: ({ present, abortBy }) => sayWord(present === 'running' && abortBy !== undefined ? 'aborting' : present) },
  { head: 'DONE', cell: ({ done }) => String(done), align: 'right' },
  { head: 'FAILED', cell: ({ failed }) => String(failed), align: 'right' },
  { head: 'LEFT OUT', cell: ({ leftOut }) => String(leftOut), align: 'right' },
  { head: 'OF', cell: ({ total, isTotalAtLeast }) => `${total ?? ''}${isTotalAtLeast === true ? '+' : ''}`, align: 'right' },
  { head: 'BY', cell: ({ by }) => by },
  { head: 'STARTED', cell: ({ startedAt }) => formatMoment(startedAt) },
  { head: 'WHAT', cell: whatOf },
];

function rowOf({ id, operation }: StoredBulk, now: number): Row {
  return { id, ...operation, present: bulkStateOf(operation, now) };
}

function toJson({ present, ...row }: Row): object {
  return { ...row, state: present };
}

function whatOf({ chosen, filter = {} }: BulkOperation): string {
  if (chosen !== undefined) return sayCount(chosen.length, ['{count} named invocation', '{count} named invocations']);
  return Object.entries(filter)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}

async function list(call: Call): Promise<ExitCode> {
  return await withClient(call.options, async (client) => {
    const found = await (await openBulkStore(client)).list();
    const rows = found.map((one) => rowOf(one, client.clock.now()));
    printList(call, { rows, columns, name: ({ id }) => id, toJson, empty: say('there is no bulk operation') });
    return exitCodes.ok;
  });
}

async function show(call: Call): Promise<ExitCode> {
  const [id = ''] = call.args;
  return await withClient(call.options, async (client) => {
    const found = await (await openBulkStore(client)).get(id);
    if (found === undefined) throw notFound(id);
    const row = rowOf(found, client.clock.now());
    printOne(call, { value: toJson(row), name: row.present, lines: () => linesOf(row) });
    return exitCodes.ok;
  });
}

function linesOf(row: Row): string[] {
  const { done, failed, leftOut, total, failures, problem, reason } = row;
  return [
    stateOf(row),
    reason === undefined ? whatOf(row) : say('{what}; reason: {reason}', { what: whatOf(row), reason }),
    total === undefined
      ? say('{done} done, {failed} failed, {leftOut} left out', { done, failed, leftOut })
      : say('{done} done, {failed} failed, {leftOut} left out, of {total}', { done, failed, leftOut, total }),
    ...(problem === undefined ? [] : [say('it stopped: {problem}', { problem })]),
    ...failures.map((failure) => say('  {id} of {function}: {detail}', failure)),
  ];
}

function stateOf({ id, action: done, by, present, step, abortBy }: Row): string {
  const text = say('{action} {id} of {by}: {state}', { action: sayWord(done), id, by, state: sayWord(present) });
  const withStep = step === undefined ? text : say('{text}, {step}', { text, step: sayWord(step) });
  return abortBy === undefined ? withStep : say('{text}, abort asked by {by}', { text: withStep, by: abortBy });
}

async function abort({ args, options, terminal }: Call): Promise<ExitCode> {
  const [id = ''] = args;
  const { userInfo } = await import('node:os');
  return await withClient(options, async (client) => {
    const found = await (await openBulkStore(client)).abort(id, userInfo().username);
    if (found === undefined) throw notFound(id);
    // No process continues an operation that was interrupted.
    if (found.operation.state === 'aborted') await sealBatchOf(found.operation, client.batches);
    terminal.err.line(say('bulk operation {id} ends; try: sequent bulk show {id}', { id }));
    return exitCodes.ok;
  });
}

function notFound(id: string): CommandError {
  const what = say('there is no bulk operation "{id}"', { id });
  return new CommandError({
    code: 'BULK_OPERATION_NOT_FOUND',
    exitCode: exitCodes.notFound,
    what,
    why: 'it was never started, or its record was removed',
    remedy: 'sequent bulk ls',
  });
}
