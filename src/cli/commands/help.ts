import { Command } from 'commander';
import { runOf } from '../host.ts';
import { CommandError, exitCodes } from '../problem.ts';

/** `help`, `help <command>`, and `help options` for the options of every command. The program must have all its commands. */
export function helpCommand(program: Command, translate: (text: string) => string): Command {
  return new Command('help')
    .summary('show the help of a command, or "help options"')
    .description('Shows the help of a command. "sequent help options" describes the options of every command.')
    .argument('[command...]', 'the command, or "options"')
    .action((names: string[]) => {
      runOf(program).host.stdout.write(names.join(' ') === 'options' ? globalOptions(program, translate) : helpOf(program, names));
    });
}

function helpOf(program: Command, names: readonly string[]): string {
  let command = program;
  for (const name of names) {
    const found = command.commands.find((one) => one.name() === name || one.aliases().includes(name));
    if (found === undefined) throw unknownCommand(names);
    command = found;
  }
  return command.helpInformation();
}

function unknownCommand(names: readonly string[]): CommandError {
  const what = 'there is no such command';
  return new CommandError({ code: 'USAGE', exitCode: exitCodes.usage, what, why: names.join(' '), remedy: 'sequent --help' });
}

function globalOptions(program: Command, translate: (text: string) => string): string {
  const help = program.createHelp();
  const options = help.visibleOptions(program);
  const width = Math.max(...options.map((option) => help.optionTerm(option).length));
  const lines = options.map((option) => `  ${help.optionTerm(option).padEnd(width)}  ${help.optionDescription(option)}`);
  const title = translate('Options of every command:');
  return `${title}\n${lines.join('\n')}\n\n${translate('The name in brackets is the environment variable of the same setting.')}\n`;
}
