import { CommanderError } from 'commander';
import { VERSION } from '#src/client/version.ts';
import { currentLanguage, setLanguage } from '#src/core/text/language.ts';
import { commandPath } from './arguments/command-path.ts';
import { type Host, runOf } from './host.ts';
import { isGb18030Locale, languageOfLocale } from './language.ts';
import { writeGb18030 } from './print/gb18030.ts';
import { printProblem } from './print/result-output.ts';
import { type ColourChoice, createTerminal } from './print/terminal.ts';
import { exitCodes, type Problem, problemJson, problemOf } from './problem.ts';
import { createProgram } from './program.ts';

type Options = {
  /** Called before a command runs that does not handle the signals itself. */
  beforeCommand?: () => void;
};

/** Runs one command on a host, and prints its problem there. Resolves to the exit code. Sets the language of this process. */
export async function runCommandLine(args: readonly string[], host: Host, { beforeCommand }: Options = {}): Promise<number> {
  chooseLanguage(args, host);
  const program = await createProgram(VERSION, args, host);
  const command = commandPath(program, args);
  // The commands that run until a signal install their own listener.
  if (!/^sequent (?:serve|dev)\b/.test(command)) beforeCommand?.();
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: 'user' });
    return runOf(program).exitCode;
  } catch (error) {
    return report(error, { args, command, host });
  }
}

/** The language of the texts, and the bytes that a terminal reads. JSON is for programs, and stays English. */
function chooseLanguage(args: readonly string[], { env, stdout, stderr }: Host): void {
  setLanguage(wantsJson(args) ? 'en' : languageOfLocale(env));
  if (currentLanguage() === 'en' || !isGb18030Locale(env)) return;
  for (const stream of [stdout, stderr]) if (stream.isTTY) writeGb18030(stream);
}

/** What ran where: `command` is the part of the arguments that names a command. */
type Ran = { args: readonly string[]; command: string; host: Host };

/** Prints the problem to stderr; returns the exit code. */
function report(error: unknown, { args, command, host }: Ran): number {
  if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
  // A group was called without a command, and commander printed its help.
  if (error instanceof CommanderError && error.code === 'commander.help') return exitCodes.usage;
  const problem = error instanceof CommanderError ? usage(error, command) : withHelp(problemOf(error), command);
  const { err } = createTerminal(colourIn(args), host);
  if (wantsJson(args)) err.line(problemJson(problem));
  else printProblem(problem, err);
  if (host.env.SEQUENT_DEBUG && error instanceof Error) err.line(error.stack);
  return problem.exitCode;
}
/** The titles of commander's errors that are about one word of the command. */
const usageTitles: Readonly<Record<string, string>> = {
  'commander.invalidArgument': 'a value is not valid',
  'commander.unknownOption': 'the command has no such option',
  'commander.unknownCommand': 'there is no such command',
  'commander.excessArguments': 'the command has too many arguments',
  'commander.conflictingOption': 'two options exclude each other',
};

/** Commander's message without its prefix. */
function usage({ code, message }: CommanderError, command: string): Problem {
  const why = message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .trim();
  return {
    code: 'USAGE',
    exitCode: exitCodes.usage,
    what: usageTitles[code] ?? 'the command is incomplete or unknown',
    why,
    remedy: `${command} --help`,
  };
}

function withHelp(problem: Problem, command: string): Problem {
  return problem.code === 'INVALID_INPUT' ? { ...problem, remedy: `${command} --help` } : problem;
}

function wantsJson(args: readonly string[]): boolean {
  return args.some(
    (arg, index) =>
      arg === '--json' ||
      /^(-o|--output=)(json|jsonl)$/.test(arg) ||
      (/^(-o|--output)$/.test(arg) && /^jsonl?$/.test(args[index + 1] ?? '')),
  );
}

function colourIn(args: readonly string[]): ColourChoice {
  const given = args.flatMap((arg, index) => (arg === '--color' ? [args[index + 1]] : arg.startsWith('--color=') ? [arg.slice(8)] : []));
  return given[0] === 'always' || given[0] === 'never' ? given[0] : 'auto';
}
