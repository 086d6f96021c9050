import { Command } from 'commander';
import { type Call, performs } from '../call.ts';
import { parseDuration } from '../durations.ts';
import type { ExitCode } from '../problem.ts';
import { exitCodes } from '../problem.ts';
import { printResult } from '../result-output.ts';
import { withClient } from '../session.ts';

type ResultOptions = { timeout: number; envelope?: true; function?: string };

export function resultCommand(): Command {
  return new Command('result')
    .summary('what an invocation returned')
    .description('Prints what the function returned, and waits for it if the invocation is not over.')
    .argument('<id>', 'the request id')
    .option('--timeout <duration>', 'how long to wait for an outcome; 0 only looks', parseDuration, 60_000)
    .option('-e, --envelope', 'print the whole envelope that subscribers and destinations receive')
    .option('--function <name>', 'its function: finds it a little faster')
    .addHelpText('after', examples)
    .action(performs<ResultOptions>(result));
}

const examples = `
Examples:
  sequent result 0193f0c2-7b1e-8a44-9c1b-2f6f5a1e0000
  sequent result order-4711 --envelope
  sequent result order-4711 --timeout 0     only look

Exit codes: 0 it succeeded, 1 it failed, 3 no such invocation, 7 no outcome within --timeout.`;

async function result(call: Call<ResultOptions>): Promise<ExitCode> {
  const { options, terminal } = call;
  return await withClient(options, async (client) => {
    const found = await client.result(call.args[0] ?? '', {
      timeoutInMs: Math.max(options.timeout, ONE_LOOK_IN_MS),
      ...(options.function === undefined ? {} : { function: options.function }),
    });
    if (!options.envelope) return printResult(call, found);
    terminal.out.line(JSON.stringify(found.envelope, null, terminal.out.isTty ? 2 : 0));
    return found.outcome === 'succeeded' ? exitCodes.ok : exitCodes.failed;
  });
}

/** Time enough to read the log once. */
const ONE_LOOK_IN_MS = 2_000;
