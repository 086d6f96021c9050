import { Command } from 'commander';
import { type MomentOptions, momentOf, momentOption } from '#src/cli/arguments/history-filters.ts';
import { nameAsOf } from '#src/cli/arguments/moment.ts';
import { flowWaitInWords } from '#src/cli/print/flow-in-words.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { factLines, printOne } from '#src/cli/print/output.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import type { InvocationDetail } from '#src/core/history-questions.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { INVOCATION_ARGUMENT, namedInvocation } from '../../arguments/invocation-argument.ts';
import { action, type Call } from '../../call.ts';
import { askFresh } from '../../history/ask-fresh.ts';
import { CommandError, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { addWatch, type WatchOptions, watching } from '../../watch.ts';

type GetOptions = { function?: string } & MomentOptions & WatchOptions;

export function getInvocationCommand(): Command {
  const command = new Command('get')
    .description('Shows one invocation with its payload, its response and its deliveries, from the read model.')
    .argument('<id>', INVOCATION_ARGUMENT)
    .option('--function <name>', 'its function, if several functions were invoked with one id')
    .addOption(momentOption());
  return addWatch(command)
    .addHelpText(
      'after',
      '\nWith --watch, the command ends when everybody is notified.\nExit codes: 0 found, 3 no such invocation, 6 no projection runs.',
    )
    .action(action<GetOptions>(get));
}

async function get(call: Call<GetOptions>): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, (client) => printInvocation(call, client));
}

/** Prints one invocation, which the argument names. */
export async function printInvocation(call: Call<GetOptions>, client: SequentClient): Promise<typeof exitCodes.ok> {
  const { options, args } = call;
  const given = options.function === undefined ? {} : { function: options.function };
  const { id, owner } = await namedInvocation(client, args[0] ?? '', given);
  await watching(call, async (shown) => {
    const found = await askFresh(client, shown, (freshness) => client.history.get(id, { ...owner, ...momentOf(options) }, freshness)).catch(
      (error: unknown) => {
        if (!(error instanceof InvocationNotFoundError) || options.at === undefined) throw error;
        throw notYet(id, nameAsOf(options.at), error);
      },
    );
    printOne(shown, { value: found, name: found.state, lines: () => describe(found, call) });
    return found.state !== 'notified';
  });
  return exitCodes.ok;
}

function notYet(id: string, moment: string, cause: Error): CommandError {
  const what = say('no such invocation at {moment}', { moment });
  const why = `"${id}" was accepted later or never`;
  return new CommandError(
    { code: 'INVOCATION_NOT_FOUND', exitCode: exitCodes.notFound, what, why, remedy: `sequent get ${id}` },
    { cause },
  );
}

function describe(found: InvocationDetail, { terminal: { out } }: Call): string[] {
  const fact = (label: string, value: string | null): [string, string][] => (value === null || value === '' ? [] : [[label, value]]);
  const lines: [string, string][] = [
    [
      say('function'),
      `${found.function}:${found.qualifier}${found.version && found.version !== found.qualifier ? ` → ${found.version}` : ''}`,
    ],
    [say('state'), `${sayWord(found.state)} (${found.status})`],
    ...fact(say('condition'), found.condition),
    ...fact(say('error'), found.error),
    [say('accepted'), formatMoment(found.acceptedAt)],
    ...fact(say('due'), typeof found.dueAt === 'number' ? formatMoment(found.dueAt) : null),
    ...fact(say('waits for'), flowWaitInWords(found)),
    ...fact(say('priority'), typeof found.priority === 'number' ? String(found.priority) : null),
    ...fact(say('took'), found.durationInMs === null ? null : formatDuration(found.durationInMs)),
    [say('attempts'), say('{attempts}, of which {retries} consumed a retry', found)],
    ...fact(
      say('chain'),
      found.root === null
        ? null
        : say('hop {hop} of {root}, started by {parent}', { hop: found.hop ?? 0, root: found.root, parent: found.parent ?? '' }),
    ),
    ...fact(say('runs again'), found.redriveOf),
    ...fact(say('batch'), found.batch ?? null),
    ...fact(say('schedule'), found.schedule ?? null),
    ...fact(say('payload'), found.payload),
    ...fact(say('response'), found.response),
    ...found.deliveries.map((one): [string, string] => [say('delivery'), deliveryInWords(one)]),
  ];
  return [out.paint.bold(found.id), ...factLines(lines, out)];
}

function deliveryInWords({ state, reason, ...delivery }: InvocationDetail['deliveries'][number]): string {
  const values = { ...delivery, state: sayWord(state) };
  if (reason === null) return say('{kind} {destination}: {state} after {tries}', values);
  return say('{kind} {destination}: {state} after {tries}, {reason}', { ...values, reason });
}
