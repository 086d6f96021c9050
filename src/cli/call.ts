import type { Command } from 'commander';
import { type ColourChoice, createTerminal, type Terminal } from './print/terminal.ts';
import type { ExitCode } from './problem.ts';

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
  output: Format;
  json?: true;
  color: ColourChoice;
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

/** Adapts the body of a command to commander's action. */
export function action<Options = object>(perform: Action<Options>): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command;
    const options = command.optsWithGlobals<Options & GlobalOptions>();
    const format = options.json === true ? 'json' : options.output;
    const terminal = createTerminal(options.color);
    process.exitCode = (await perform({ args: command.processedArgs.flat() as string[], options, format, terminal })) ?? 0;
  };
}
