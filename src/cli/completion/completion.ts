import type { RootCommand } from '@bomb.sh/tab';
import type { Command } from 'commander';
import { findCommand } from '../arguments/command-path.ts';
import type { GlobalOptions } from '../call.ts';
import { type Host, runOf } from '../host.ts';
import { plain } from '../print/terminal.ts';
import { completionScripts } from './completion-scripts.ts';

export const completionUsage = 'completion <shell>';
export const completionSummary = 'print the completion script of a shell';

/** How long a Tab waits for the names of the functions. */
const MAX_WAIT_IN_MS = 2_000;
/** The answer that lets the shell complete the names of files (`ShellCompDirectiveDefault` of @bomb.sh/tab). */
const FILES = ':0\n';
/**
 * Adds `completion <shell>`, which prints the script for a shell, and the hidden `complete`, which the script calls at each Tab.
 *
 * Commands, options and choices come from the program itself, and the names of functions from the server. A Tab prints no problem. The
 * scripts of @bomb.sh/tab evaluate the candidates and the typed words, so the scripts are this program's own.
 */
export async function addCompletion(program: Command): Promise<void> {
  const { default: tab } = await import('@bomb.sh/tab/commander');
  const { host } = runOf(program);
  const { stdout } = host;
  const completion = tab(program, { completionCommandName: 'completion' });
  describeCommands(program, completion);
  const command = program.commands.find((one) => one.name() === 'completion');
  command
    ?.summary(completionSummary)
    .description('Prints the completion script of a shell.')
    .addHelpText('after', examples)
    .action((shell: keyof typeof completionScripts) => void stdout.write(completionScripts[shell]));
  command?.registeredArguments[0]?.choices(Object.keys(completionScripts));
  program.commands
    .find((one) => one.name() === 'complete')
    ?.action(async (words: string[]) => {
      if (takesFile(program, words)) {
        stdout.write(FILES);
        return;
      }
      const takesFunction = findCommand(program, words).command.registeredArguments.some((argument) => argument.name() === 'function');
      if (takesFunction) await addFunctionNames(completion, host);
      completion.parse(words);
    });
}

const examples = `
Examples:
  source <(sequent completion bash)          for this shell; add the line to ~/.bashrc for every shell
  source <(sequent completion zsh)           the same for ~/.zshrc
  sequent completion fish | source           the same for ~/.config/fish/config.fish`;

/** Gives each command its short description, and the options of every command. */
function describeCommands(program: Command, completion: RootCommand): void {
  const globalOptions = program.options.filter(({ long }) => long !== undefined && long !== '--version');
  for (const [path, command] of completion.commands) {
    command.description = findCommand(program, path.split(' ')).command.summary() || (command.description ?? '');
    for (const { long = '', description, required, argChoices = [] } of globalOptions) {
      if (!required) command.option(long.slice(2), description);
      else command.option(long.slice(2), description, (complete) => argChoices.forEach((choice) => void complete(choice, '')));
    }
  }
}

async function addFunctionNames({ commands }: RootCommand, host: Host): Promise<void> {
  // With JSON, nothing but a problem is written to stderr.
  const options: GlobalOptions = { output: 'json', color: 'never', host };
  const { withClient } = await import('../session.ts');
  const found = withClient(options, async ({ functions }) => (await functions.list()).map(({ definition }) => definition)).catch(() => []);
  const none = new Promise<[]>((resolve) => setTimeout(resolve, MAX_WAIT_IN_MS, []).unref());
  const definitions = await Promise.race([found, none]);
  for (const command of commands.values()) {
    const argument = command.arguments.get('function');
    if (argument === undefined) continue;
    argument.handler = (complete) => {
      // A line is a candidate, so a description is one plain line.
      for (const { name, description } of definitions) complete(name, plain(description));
    };
  }
}

/** Whether the last word is a file or a folder: the value of such an option, or an argument of a command that takes one. */
function takesFile(program: Command, words: readonly string[]): boolean {
  const command = findCommand(program, words).command;
  const flag = words.at(-2) ?? '';
  const option = [...command.options, ...program.options].find(({ short, long }) => flag === short || flag === long);
  if (option !== undefined) return /<(?:file|folder|path)>/.test(option.flags);
  return words.at(-1)?.startsWith('-') !== true && command.registeredArguments.some((one) => /^(?:file|folder)$/.test(one.name()));
}
