import { Command } from 'commander';
import { action, type Call } from '../call.ts';
import { INVOCATION_ARGUMENT, namedInvocation } from '../invocation-argument.ts';
import { type ExitCode, exitCodes } from '../problem.ts';
import { withClient } from '../session.ts';

type CancelOptions = { function?: string; recursive?: true; reason?: string };

export function cancelCommand(): Command {
  return new Command('cancel')
    .description(
      'Ends exactly this invocation. A queued invocation never runs; the result of a running one is discarded. Other invocations continue.',
    )
    .argument('<id>', INVOCATION_ARGUMENT)
    .option('--function <name>', 'its function, if several functions were invoked with one id')
    .option('--recursive', 'also the open invocations that its destinations started')
    .option('--reason <text>', 'the reason that its timeline shows')
    .addHelpText('after', examples)
    .action(action<CancelOptions>(cancel));
}

const examples = `
Examples:
  sequent cancel 0193f0c2-7b1e-8a44-9c1b-2f6f5a1e0000
  sequent cancel order-4711 --recursive --reason "the order was withdrawn"

The invocation ends with the condition InvocationCanceled. Exit codes: 0 cancelled, 3 no such invocation, 4 it has ended.`;

async function cancel({ args, options, terminal, format }: Call<CancelOptions>): Promise<ExitCode> {
  const { recursive = false, reason, function: name } = options;
  return await withClient(options, async (client) => {
    const { id, owner } = await namedInvocation(client, args[0] ?? '', name === undefined ? {} : { function: name });
    const canceled = await client.cancel(id, { ...owner, recursive, ...(reason === undefined ? {} : { reason }) });
    if (format === 'json') terminal.out.line(JSON.stringify({ canceled }));
    else for (const one of canceled) terminal.out.line(one);
    if (canceled.length === 0) terminal.err.line('no open invocation was left to cancel');
    return exitCodes.ok;
  });
}
