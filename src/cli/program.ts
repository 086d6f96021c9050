import { type Argument, Command, Option } from 'commander';
import { firstArgument } from './arguments/command-path.ts';
import { formats } from './call.ts';
import { type CommandEntry, commandTable } from './command-table.ts';
import { helpCommand } from './commands/help.ts';
import { addCompletion, completionSummary, completionUsage } from './completion/completion.ts';
import { type HelpTexts, loadHelpTexts } from './help-texts.ts';
import { type Host, openRun, processHost, runOf } from './host.ts';

/**
 * The command line for these arguments: the list of commands for the help; the one command that they name; or else all commands.
 *
 * A suggestion for an unknown name, an alias, and the completion need all commands. A command imports its implementation when it runs.
 */
export async function createProgram(version: string, args: readonly string[] = [], host: Host = processHost): Promise<Command> {
  const texts = await loadHelpTexts();
  const program = createBareProgram(version);
  openRun(program, host);
  if (args.every((arg) => arg === '--help' || arg === '-h')) {
    addList(program, texts);
    return program;
  }
  const named = entryOf(firstArgument(program, args));
  const entries = named === undefined ? Object.values(commandTable) : [named];
  const loaded = await Promise.all(entries.map(async ({ summary, load }) => (await load()).summary(summary)));
  // Commander reads the options of the program first, so an own --version of the named command would print the version of Sequent.
  const hasOwnVersion = named !== undefined && loaded.some(({ options }) => options.some(({ long }) => long === '--version'));
  const used = hasOwnVersion ? createBareProgram(version, '-V') : program;
  openRun(used, host);
  await addCommands(used, loaded, { isNamed: named !== undefined, texts });
  return used;
}

/** Adds the commands as the help lists them, without their modules. */
function addList(program: Command, texts: HelpTexts): void {
  for (const { usage, summary } of Object.values(commandTable)) program.command(usage).summary(summary);
  program.addCommand(helpCommand(program, texts.translate));
  program.command(completionUsage).summary(completionSummary);
  for (const command of everyCommand(program)) configure(command, texts);
}

type AddOptions = { isNamed: boolean; texts: HelpTexts };

async function addCommands(program: Command, loaded: readonly Command[], { isNamed, texts }: AddOptions): Promise<void> {
  for (const command of loaded) program.addCommand(command);
  if (!isNamed) program.addCommand(helpCommand(program, texts.translate));
  for (const command of everyCommand(program)) configure(command, texts);
  if (!isNamed) await addCompletion(program);
}

function entryOf(name: string | undefined): CommandEntry | undefined {
  return name !== undefined && Object.hasOwn(commandTable, name) ? commandTable[name] : undefined;
}

function createBareProgram(version: string, versionFlags = '-V, --version'): Command {
  return new Command('sequent')
    .description('Asynchronous functions on NATS JetStream: durable, retried, every transition an event.')
    .version(version, versionFlags, 'print the version')
    .option('-s, --server <url>', 'the address of NATS (NATS_URL)')
    .option('--context <name>', 'a context of the nats command (NATS_CONTEXT)')
    .option('--data <folder>', 'the data folder; its running server is found automatically (SEQUENT_DATA, default: .sequent here or above)')
    .option('--nkey <file>', 'the file with the nkey seed of the NATS user (NATS_NKEY)')
    .option('--tlsca <file>', 'the certificates of the authorities that sign the certificate of NATS (NATS_CA)')
    .option('--tlscert <file>', 'the certificate of this client (NATS_CERT)')
    .option('--tlskey <file>', 'the key of this certificate (NATS_KEY)')
    .option('--tlsfirst', 'start TLS before the greeting of the server (NATS_TLS_FIRST)')
    .option('--domain <name>', 'the JetStream domain with the streams of Sequent, as through a leaf node (NATS_JS_DOMAIN)')
    .option('--inbox-prefix <subject>', 'the prefix of the subjects for replies (NATS_INBOX_PREFIX)')
    .addOption(outputOption())
    .option('--json', 'the same as -o json')
    .addOption(new Option('--color <when>', 'when to use colours').choices(['auto', 'always', 'never']).default('auto'))
    .addHelpText('after', epilogue);
}

/** `action` checks the choice: of a command that writes a file, -o may name the file. */
function outputOption(): Option {
  return new Option('-o, --output <format>', 'the output format; in pull and golden record also the file or folder')
    .choices(formats)
    .argParser((value) => value)
    .default('table');
}

const epilogue = `
Try first:
  sequent serve --start-server --deploy-examples
  sequent invoke hello -d '{"name":"Ada"}' --wait
  sequent fn ls

Results go to stdout, all other messages to stderr.
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 conflict, 5 refused credentials, 6 no NATS, 7 timed out, 8 a plan differs, 70 defect, 130 Ctrl-C.`;

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** Configures errors and help alike for every command. Only the entry point ends the process or prints an error. */
function configure(command: Command, { configuration, translate }: HelpTexts): void {
  command
    .exitOverride()
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureHelp({
      subcommandTerm: usageOf,
      ...configuration,
    })
    .configureOutput({
      outputError: () => {},
      writeOut: (text) => void runOf(command).host.stdout.write(text.split('\n').map(translate).join('\n')),
    });
  if (command.parent !== null) command.addHelpText('after', GLOBAL_OPTIONS);
}

const GLOBAL_OPTIONS = '\nOptions of every command, such as --server, --data and --json: sequent help options';

/** The name of a command and its arguments, as a list of commands shows them. */
export function usageOf(command: Command): string {
  return [command.name(), ...command.registeredArguments.map(termOf)].join(' ');
}

function termOf(argument: Argument): string {
  const term = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${term}>` : `[${term}]`;
}
