import { Command } from 'commander';
import { durationOption } from '#src/cli/arguments/durations.ts';
import { printResult } from '#src/cli/print/result-output.ts';
import type { Result, SequentClient } from '#src/client/client.ts';
import { TimedOutError } from '#src/core/errors.ts';
import { INVOCATION_ARGUMENT, namedInvocation } from '../../arguments/invocation-argument.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { printConnection, withClient } from '../../session.ts';

type ResultOptions = { timeout: number; envelope?: true; function?: string };

export function resultCommand(): Command {
  return new Command('result')
    .description('Prints the value that the function returned. Waits for the outcome of an open invocation.')
    .argument('<id>', INVOCATION_ARGUMENT)
    .addOption(durationOption('--timeout <duration>', 'how long to wait for an outcome; 0 does not wait', 60_000))
    .option('-e, --envelope', 'print the whole envelope that subscribers and destinations receive')
    .option('--function <name>', 'its function, if several functions were invoked with one id: also makes the search faster')
    .addHelpText('after', examples)
    .action(action<ResultOptions>(result));
}

const examples = `
Examples:
  sequent result 0193f0c2-7b1e-8a44-9c1b-2f6f5a1e0000
  sequent result order-4711 --envelope
  sequent result order-4711 --timeout 0     do not wait

Exit codes: 0 success, 1 failure, 3 no such invocation, 7 no outcome within --timeout.`;

async function result(call: Call<ResultOptions>): Promise<ExitCode> {
  const { options, terminal } = call;
  return await withClient(options, async (client) => {
    printConnection(client, terminal.err);
    const found = await find(call, client);
    if (!options.envelope) return printResult(call, found);
    terminal.out.line(JSON.stringify(found.envelope, null, terminal.out.isTty ? 2 : 0));
    return found.outcome === 'succeeded' ? exitCodes.ok : exitCodes.failed;
  });
}

async function find({ args, options }: Call<ResultOptions>, client: SequentClient): Promise<Result> {
  const given = options.function === undefined ? {} : { function: options.function };
  const { id, owner } = await namedInvocation(client, args[0] ?? '', given);
  if (options.timeout > 0) return await client.result(id, { timeoutInMs: options.timeout, ...owner });
  const { toResult } = await import('#src/client/invoke/results.ts');
  const timeline = await client.timeline(id, owner);
  if (timeline.envelope !== undefined) return toResult(timeline.envelope, await client.responsePayload(timeline));
  throw new TimedOutError({ what: `the outcome of ${id} (it is ${timeline.state})`, afterMs: 0 });
}
