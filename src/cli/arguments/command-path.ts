import type { Command, Option } from 'commander';

/**
 * The command that arguments name, with its groups, as they were typed: `sequent archive ls`. It ends where the arguments name no command.
 *
 * Derived from the commands themselves, so that an error can advise the help of the command that was meant.
 */
export function commandPath(program: Command, args: readonly string[]): string {
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
  return names.join(' ');
}

/** An option of the command or of one above it. One that has its value in the same argument (`--data=x`) is none. */
function optionOf(command: Command, flag: string): Option | undefined {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const found = at.options.find(({ short, long }) => short === flag || long === flag);
    if (found !== undefined) return found;
  }
  return undefined;
}
