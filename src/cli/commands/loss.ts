import { hostname, userInfo } from 'node:os';
import { Command } from 'commander';
import { formatMoment } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { describeLoss, type LogLoss, lostAtMost } from '#src/core/log/log-loss.ts';
import { createLossBook, type LossBook } from '#src/core/log/loss-book.ts';
import { action, type Call, type GlobalOptions } from '../call.ts';
import { CommandError, type ExitCode, exitCodes } from '../problem.ts';
import { withClient } from '../session.ts';

type AcknowledgeOptions = { note?: string };

export function lossCommand(): Command {
  return new Command('loss')
    .alias('losses')
    .description('Losses of acknowledged messages, as after a power cut. A loss is a problem until an operator acknowledges it.')
    .addCommand(
      new Command('ls')
        .alias('list')
        .summary('list the losses')
        .description('Lists the losses, acknowledged ones included.')
        .action(action(list)),
    )
    .addCommand(
      new Command('show')
        .summary('show one loss, with the first affected invocations')
        .description('Shows the bounds of a loss, who found it, and the invocations that a read model knew.')
        .argument('<id>', 'the id of the loss')
        .addHelpText('after', '\nExit codes: 0 shown, 3 no such loss.')
        .action(action(show)),
    )
    .addCommand(
      new Command('acknowledge')
        .alias('ack')
        .summary('record that an operator has dealt with a loss')
        .description('Ends the alarm of a loss. The loss stays in the list, with the user of this machine and the time.')
        .argument('<id>', 'the id of the loss, or "all"')
        .option('--note <text>', 'the action that was taken')
        .addHelpText('after', '\nExit codes: 0 acknowledged, 3 no such loss that is not acknowledged.')
        .action(action<AcknowledgeOptions>(acknowledge)),
    );
}

const columns: Column<LogLoss>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'FOUND', cell: ({ foundAt }) => formatMoment(foundAt) },
  { head: 'MESSAGES', cell: (loss) => `≤ ${lostAtMost(loss)}`, align: 'right' },
  { head: 'FROM', cell: ({ keptAt }) => formatMoment(keptAt) },
  { head: 'TO', cell: ({ lostAt }) => formatMoment(lostAt) },
  { head: 'INVOCATIONS', cell: ({ affected }) => (affected === undefined ? '' : `${affected.lost} lost, ${affected.changed} changed`) },
  { head: 'ACKNOWLEDGED', cell: ({ acknowledged }) => (acknowledged === undefined ? '' : acknowledged.by) },
];

async function withBook<Value>(options: GlobalOptions, work: (book: LossBook) => Promise<Value>): Promise<Value> {
  return await withClient(options, async ({ connection }) => {
    const { openKeyValue } = await import('#src/nats/key-value.ts');
    const { STATE_BUCKET } = await import('#src/nats/wire/topology.ts');
    return await work(createLossBook(await openKeyValue(connection, STATE_BUCKET)));
  });
}

async function list(call: Call): Promise<ExitCode> {
  return await withBook(call.options, async (book) => {
    printList(call, { rows: await book.list(), columns, name: ({ id }) => id, empty: 'the log has lost no message' });
    return exitCodes.ok;
  });
}

async function show({ args: [id = ''], options, terminal: { out }, format }: Call): Promise<ExitCode> {
  return await withBook(options, async (book) => {
    const loss = (await book.list()).find((one) => one.id === id);
    if (loss === undefined) throw noSuchLoss(id);
    for (const line of linesOf(loss, format)) out.line(plain(line));
    return exitCodes.ok;
  });
}

function linesOf(loss: LogLoss, format: Call['format']): string[] {
  if (format === 'json') return JSON.stringify(loss, null, 2).split('\n');
  if (format === 'jsonl') return [JSON.stringify(loss)];
  return format === 'name' ? [loss.id] : describe(loss);
}

function describe(loss: LogLoss): string[] {
  const { why, foundAt, foundBy, keptUpTo, lostUpTo, affected, acknowledged } = loss;
  return [
    describeLoss(loss),
    `why: ${why}`,
    `found: ${formatMoment(foundAt)} by ${foundBy}`,
    `sequences: the log kept all up to ${keptUpTo}, and had acknowledged up to ${lostUpTo}`,
    acknowledged === undefined
      ? `not acknowledged: sequent loss acknowledge ${loss.id}`
      : `acknowledged: ${formatMoment(acknowledged.at)} by ${acknowledged.by}${acknowledged.note === undefined ? '' : `: ${acknowledged.note}`}`,
    ...(affected?.ids ?? []),
  ];
}

async function acknowledge({ args: [id = ''], options, terminal: { err } }: Call<AcknowledgeOptions>): Promise<ExitCode> {
  return await withBook(options, async (book) => {
    const { note } = options;
    const by = `${userInfo().username}@${hostname()}`;
    const found = await book.acknowledge((loss) => id === 'all' || loss.id === id, {
      at: Date.now(),
      by,
      ...(note === undefined ? {} : { note }),
    });
    if (found.length === 0) throw noSuchLoss(id);
    for (const loss of found) err.line(`${loss.id} is acknowledged by ${plain(by)}: ${describeLoss(loss)}`);
    return exitCodes.ok;
  });
}

function noSuchLoss(id: string): CommandError {
  return new CommandError({
    code: 'LOSS_NOT_FOUND',
    exitCode: exitCodes.notFound,
    what: `there is no loss "${id}"`,
    why: 'no loss that is not acknowledged has this id',
    remedy: 'sequent loss ls',
  });
}
