import { Argument, Command } from 'commander';
import { action, type Call } from '../call.ts';
import { exitCodes } from '../problem.ts';

const machines = ['invocation', 'delivery'] as const;

export function machineCommand(): Command {
  return new Command('machine')
    .description("Prints a machine's configuration as JSON, which opens in Stately's editor (https://stately.ai/editor, Import from code).")
    .addArgument(new Argument('[machine]', 'which machine').choices(machines).default('invocation'))
    .addHelpText('after', examples)
    .action(action(machine));
}

const examples = `
Examples:
  sequent machine > invocation.json
  sequent machine delivery | jq '.states | keys'`;

async function machine({ args, terminal, format }: Call): Promise<typeof exitCodes.ok> {
  const { invocationMachine } = await import('#machines/invocation.ts');
  const { deliveryMachine } = await import('#machines/delivery.ts');
  const { config } = args[0] === 'delivery' ? deliveryMachine : invocationMachine;
  if (format === 'name') terminal.out.line(config.id);
  else terminal.out.line(JSON.stringify(config, null, format === 'jsonl' ? 0 : 2));
  return exitCodes.ok;
}
