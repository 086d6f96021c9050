import type { Command, Option } from 'commander';

/**
 * The command that the arguments name, and its names as they were written, with those of its groups.
 *
 * The search ends at the first argument that names no command.
 */
export function findCommand(program: Command, args: readonly string[]): { command: Command; names: readonly string[] } {
  const names = [program.name()];
  let command = program;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (arg.startsWith('-')) {
      if (optionOf(command, arg)?.required) index++;
      continue;
    }
    const found = command.commands.find((one) => one.name() === arg || one.aliases().includes(arg));
    if (found === undefined) break;
    names.push(arg);
    command = found;
  }
  return { command, names };
}

/** The command that the arguments name, with its groups: `sequent archive ls`. An error advises the help of this command. */
export function commandPath(program: Command, args: readonly string[]): string {
  return findCommand(program, args).names.join(' ');
}

/** The first argument that is neither an option of the program nor the value of one: the name of a command. */
export function firstArgument(program: Command, args: readonly string[]): string | undefined {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (!arg.startsWith('-')) return arg;
    if (optionOf(program, arg)?.required) index++;
  }
  return undefined;
}

/** An option of the command or of its parents. An argument with its own value (`--data=x`) does not match. */
function optionOf(command: Command, flag: string): Option | undefined {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const found = at.options.find(({ short, long }) => short === flag || long === flag);
    if (found !== undefined) return found;
  }
  return undefined;
}
