import { type Argument, Command, Option } from 'commander';
import { firstArgument } from './arguments/command-path.ts';
import { formats } from './call.ts';
import { commandTable } from './command-table.ts';

/**
 * The command line for these arguments: with the one command that they name, or else with all commands.
 *
 * The help, a suggestion for an unknown name, and an alias need all commands. A command imports its implementation when it runs.
 */
export async function createProgram(version: string, args: readonly string[] = []): Promise<Command> {
  const program = createBareProgram(version);
  const named = commandOf(firstArgument(program, args));
  const loaded = await Promise.all((named === undefined ? Object.values(commandTable) : [named]).map((load) => load()));
  for (const command of loaded) program.addCommand(command);
  for (const command of everyCommand(program)) configure(command);
  return program;
}

function commandOf(name: string | undefined): (() => Promise<Command>) | undefined {
  return name !== undefined && Object.hasOwn(commandTable, name) ? commandTable[name] : undefined;
}

function createBareProgram(version: string): Command {
  return new Command('sequent')
    .description('Asynchronous functions on NATS JetStream: durable, retried, every transition an event.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('-s, --server <url>', 'the address of NATS (NATS_URL)')
    .option('--context <name>', 'a context of the nats command (NATS_CONTEXT)')
    .option('--data <folder>', 'the data folder; its running server is found automatically (SEQUENT_DATA, default: .sequent)')
    .option('--nkey <file>', 'the file with the nkey seed of the NATS user (NATS_NKEY)')
    .option('--tlsca <file>', 'the certificates of the authorities that sign the certificate of NATS (NATS_CA)')
    .option('--tlscert <file>', 'the certificate of this client (NATS_CERT)')
    .option('--tlskey <file>', 'the key of this certificate (NATS_KEY)')
    .option('--tlsfirst', 'start TLS before the greeting of the server (NATS_TLS_FIRST)')
    .option('--domain <name>', 'the JetStream domain with the streams of Sequent, as through a leaf node (NATS_JS_DOMAIN)')
    .option('--inbox-prefix <subject>', 'the prefix of the subjects for replies (NATS_INBOX_PREFIX)')
    .addOption(new Option('-o, --output <format>', 'the output format').choices(formats).default('table'))
    .option('--json', 'the same as -o json')
    .addOption(new Option('--color <when>', 'when to use colours').choices(['auto', 'always', 'never']).default('auto'))
    .addHelpText('after', epilogue);
}

const epilogue = `
Try first:
  sequent serve --start-server --deploy-examples
  sequent invoke hello -d '{"name":"Ada"}' --wait
  sequent fn ls

Results go to stdout, all other messages to stderr.
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 conflict, 5 refused credentials, 6 no NATS, 7 timed out, 70 defect, 130 Ctrl-C.`;

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** Configures errors and help alike for every command. Only the entry point ends the process or prints an error. */
function configure(command: Command): void {
  command
    .exitOverride()
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureHelp({
      showGlobalOptions: command.parent !== null,
      subcommandTerm: (sub) => [sub.name(), ...sub.registeredArguments.map(termOf)].join(' '),
    })
    .configureOutput({ outputError: () => {} });
}

function termOf(argument: Argument): string {
  const term = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${term}>` : `[${term}]`;
}
