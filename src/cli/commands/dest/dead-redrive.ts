import { Command } from 'commander';
import { parseRate } from '#src/cli/arguments/rate.ts';
import type { DeadLetter, SequentClient } from '#src/client/client.ts';
import { action, type Call } from '../../call.ts';
import { type BulkOptions, inBulk } from '../../in-bulk.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { type DeadLetterFilters, filterOf, isFiltered, withDeadLetterFilters } from './filters.ts';

type RedriveOptions = DeadLetterFilters & BulkOptions & { all?: true };

export function deadRedriveCommand(): Command {
  return withDeadLetterFilters(
    new Command('redrive')
      .summary('deliver again')
      .description('Redrives deliveries that were given up: those of one invocation, or all that match. The function does not run again.')
      .argument('[id]', 'the request id'),
  )
    .option('--all', 'all dead deliveries')
    .option('--dry-run', 'only list the deliveries')
    .option('--rate <rate>', 'the maximum rate: 50/s, 100/m', parseRate)
    .option('-y, --yes', 'do not ask for a confirmation')
    .addHelpText('after', examples)
    .action(action<RedriveOptions>(redrive));
}

const examples = `
Examples:
  sequent dest dead redrive 0193f0c2-7b1e-8a44-9c1b-2f6f5a1e0000
  sequent dest dead redrive --function orders --destination http-0 --since 2h --dry-run
  sequent dest dead redrive --function orders --rate 50/s --yes

Exit codes: 0 all, 1 not all, 2 no selection, 3 no such invocation, 4 none of its deliveries is dead.`;

async function redrive(call: Call<RedriveOptions>): Promise<ExitCode> {
  const { args, options } = call;
  const [id] = args;
  return await withClient(options, async (client) => {
    if (id !== undefined && !options.dryRun) return await redriveOne(call, client, id);
    if (id === undefined && !options.all && !isFiltered(options)) {
      throw usageProblem(
        'no delivery was redriven',
        'the command needs a selection',
        'a request id, --function, --destination, --since, or --all',
      );
    }
    const dead = (await client.repair.deadLetters(filterOf(options))).filter(({ requestId }) => id === undefined || requestId === id);
    return await inBulk<DeadLetter>(call, {
      items: dead,
      verb: 'redrive',
      past: 'redriven',
      noun: 'dead delivery',
      nouns: 'dead deliveries',
      nameOf: ({ requestId, destination }) => `${requestId} ${destination}`,
      toJson: ({ requestId, destination, function: name }) => ({ requestId, destination, function: name }),
      perform: async ({ requestId, destination, function: name }) => {
        await client.repair.redeliver(requestId, destination, { function: name });
        return { note: 'is redriven', json: { redriven: true } };
      },
    });
  });
}

async function redriveOne({ options, terminal, format }: Call<RedriveOptions>, { repair }: SequentClient, id: string): Promise<ExitCode> {
  const destinations = await repair.redeliver(
    id,
    options.destination,
    options.function === undefined ? {} : { function: options.function },
  );
  if (format === 'json' || format === 'jsonl') terminal.out.line(JSON.stringify({ requestId: id, redriven: destinations }));
  else for (const destination of destinations) terminal.out.line(format === 'name' ? destination : `${destination} is redriven`);
  return exitCodes.ok;
}
