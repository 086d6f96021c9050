import { hostname, userInfo } from 'node:os';
import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say, sayCount } from '#src/cli/texts/say.ts';
import { type LogLoss, lostAtMost } from '#src/core/log/losses/log-loss.ts';
import { createLossBook, type LossBook } from '#src/core/log/losses/loss-book.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call, type GlobalOptions } from '../../call.ts';
import { CommandError, type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

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
      withDryRun(new Command('acknowledge'))
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
  { head: 'INVOCATIONS', cell: ({ affected }) => (affected === undefined ? '' : say('{lost} lost, {changed} changed', affected)) },
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
    printList(call, { rows: await book.list(), columns, name: ({ id }) => id, empty: say('the log has lost no message') });
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
    lossInWords(loss),
    say('why: {why}', { why }),
    say('found: {time} by {by}', { time: formatMoment(foundAt), by: foundBy }),
    say('sequences: the log kept all up to {kept}, and had acknowledged up to {lost}', { kept: keptUpTo, lost: lostUpTo }),
    acknowledged === undefined ? say('not acknowledged: sequent loss acknowledge {id}', loss) : acknowledgementInWords(acknowledged),
    ...(affected?.ids ?? []),
  ];
}

function acknowledgementInWords({ at, by, note }: NonNullable<LogLoss['acknowledged']>): string {
  const values = { time: formatMoment(at), by };
  return note === undefined
    ? say('acknowledged: {time} by {by}', values)
    : say('acknowledged: {time} by {by}: {note}', { ...values, note });
}

/** As `describeLoss`, whose English text also stands in logs. */
export function lossInWords(loss: LogLoss): string {
  const { keptAt, lostAt, affected } = loss;
  const text = say('the log lost at most {messages} of {span}, from {from} to {to}', {
    messages: sayCount(lostAtMost(loss), ['{count} acknowledged message', '{count} acknowledged messages']),
    span: formatDuration(Math.max(0, lostAt - keptAt)),
    from: new Date(keptAt).toISOString(),
    to: new Date(lostAt).toISOString(),
  });
  if (affected === undefined) return text;
  const { lost, changed, file } = affected;
  const who = say('{loss}; {lost} invocations are lost, {changed} lost their last facts', { loss: text, lost, changed });
  return file === undefined ? who : `${who}: ${file}`;
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
    for (const loss of found)
      err.line(say('{id} is acknowledged by {by}: {loss}', { id: loss.id, by: plain(by), loss: lossInWords(loss) }));
    return exitCodes.ok;
  });
}

function noSuchLoss(id: string): CommandError {
  return new CommandError({
    code: 'LOSS_NOT_FOUND',
    exitCode: exitCodes.notFound,
    what: say('there is no loss "{id}"', { id }),
    why: 'no loss that is not acknowledged has this id',
    remedy: 'sequent loss ls',
  });
}
