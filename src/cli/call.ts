import type { Command } from 'commander';
import type { Rehearsal } from '#src/nats/transport/rehearsal.ts';
import { isRehearsal, rehearse } from './dry-run.ts';
import { type Host, runOf } from './host.ts';
import { type ColourChoice, createTerminal, type Terminal } from './print/terminal.ts';
import { type ExitCode, usageProblem } from './problem.ts';

export const formats = ['table', 'json', 'jsonl', 'name'] as const;
export type Format = (typeof formats)[number];

/** The options of every command. */
export type GlobalOptions = {
  server?: string;
  context?: string;
  data?: string;
  nkey?: string;
  tlsca?: string;
  tlscert?: string;
  tlskey?: string;
  tlsfirst?: true;
  domain?: string;
  inboxPrefix?: string;
  /** An option of the commands that need keys. All others read the variables of `--encryption-key` and `--encryption-command`. */
  encryptionKey?: string;
  encryptionCommand?: string;
  output: Format;
  json?: true;
  color: ColourChoice;
  /** What the command uses of its process. No option: every command has it. */
  host: Host;
  /** Where a rehearsal notes the changes that it does not make (DRY1). */
  rehearsal?: Rehearsal;
};

/** One call of a command: its arguments, its options and its output. */
export type Call<Options = object> = {
  /** In order. A missing optional argument may be `undefined`. */
  args: readonly string[];
  options: Options & GlobalOptions;
  format: Format;
  terminal: Terminal;
};

/** The body of a command. Resolves to its exit code; `undefined` is 0. */
export type Action<Options> = (call: Call<Options>) => Promise<ExitCode | undefined>;

/** What -o means: a format; or what --to means, for a command with --to and a value that is no format. Throws for any other value. */
function withTarget<Options extends GlobalOptions>(command: Command, options: Options): Options {
  const value: string = options.output;
  if (formats.some((format) => format === value)) return options;
  const takesTarget = command.options.some(({ long }) => long === '--to');
  if (takesTarget && command.getOptionValueSource('to') !== 'cli') return { ...options, output: 'table', to: value };
  throw usageProblem('a setting is not valid', `-o must be ${formats.join(', ')}, not "${value}"`, `-o ${formats[0]}`);
}

/** Adapts the body of a command to commander's action. */
export function action<Options extends object = object>(perform: Action<Options>): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command;
    const run = runOf(command);
    const options = withTarget(command, { ...command.optsWithGlobals<Options & GlobalOptions>(), host: run.host });
    const format = options.json === true ? 'json' : options.output;
    const terminal = createTerminal(options.color, run.host);
    const call = { args: command.processedArgs.flat() as string[], options, format, terminal };
    run.exitCode = (await (isRehearsal(command, options) ? rehearse(call, perform) : perform(call))) ?? 0;
  };
}
