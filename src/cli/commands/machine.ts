import { Argument, Command } from 'commander';
import { action, type Call } from '../call.ts';
import { exitCodes } from '../problem.ts';

const machines = ['invocation', 'delivery', 'batch'] as const;

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
  const config = await configOf(args[0]);
  if (format === 'name') terminal.out.line(config.id);
  else terminal.out.line(JSON.stringify(config, null, format === 'jsonl' ? 0 : 2));
  return exitCodes.ok;
}

async function configOf(name: string | undefined) {
  switch (name) {
    case 'batch':
      return (await import('#machines/batch.ts')).batchMachine.config;
    case 'delivery':
      return (await import('#machines/delivery.ts')).deliveryMachine.config;
    default:
      return (await import('#machines/invocation.ts')).invocationMachine.config;
  }
}
