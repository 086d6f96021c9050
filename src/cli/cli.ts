import { CommanderError } from 'commander';
import { VERSION } from '#src/client/version.ts';
import { currentLanguage, setLanguage } from '#src/core/text/language.ts';
import { commandPath } from './arguments/command-path.ts';
import { takeEarlyHangUp } from './early-hang-up.ts';
import { isGb18030Locale, languageOfLocale } from './language.ts';
import { writeGb18030 } from './print/gb18030.ts';
import { printProblem } from './print/result-output.ts';
import { type ColourChoice, createTerminal } from './print/terminal.ts';
import { exitCodes, type Problem, problemJson, problemOf } from './problem.ts';
import { createProgram } from './program.ts';

/** As a shell reports a process that SIGHUP ended. */
const HUNG_UP = 129;

/** The entry point: runs one command, prints its problem, and ends the process with the exit code. */
async function main(args: readonly string[]): Promise<void> {
  // The reader of stdout closed the pipe, as in `sequent tail | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => leave(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failed));
  process.stderr.on('error', () => {});
  process.on('SIGINT', () => leave(exitCodes.interrupted));
  chooseLanguage(args);
  const program = await createProgram(VERSION, args);
  // The commands that run until a signal install their own listener.
  if (!/^sequent (?:serve|dev)\b/.test(commandPath(program, args)) && takeEarlyHangUp()) leave(HUNG_UP);
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = report(error, args, commandPath(program, args));
  }
  // The process must end although a client may still hold timers.
  process.stdout.write('', () => leave(Number(process.exitCode ?? 0)));
}

/** The language of the texts, and the bytes that a terminal reads. JSON is for programs, and stays English. */
function chooseLanguage(args: readonly string[]): void {
  setLanguage(wantsJson(args) ? 'en' : languageOfLocale(process.env));
  if (currentLanguage() === 'en' || !isGb18030Locale(process.env)) return;
  for (const stream of [process.stdout, process.stderr]) if (stream.isTTY) writeGb18030(stream);
}

function leave(code: number): never {
  process.exit(code);
}

/** Prints the problem to stderr; returns the exit code. `command` is the part of the arguments that names a command. */
function report(error: unknown, args: readonly string[], command: string): number {
  if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
  // A group was called without a command, and commander printed its help.
  if (error instanceof CommanderError && error.code === 'commander.help') return exitCodes.usage;
  const problem = error instanceof CommanderError ? usage(error, command) : withHelp(problemOf(error), command);
  const { err } = createTerminal(colourIn(args));
  if (wantsJson(args)) err.line(problemJson(problem));
  else printProblem(problem, err);
  if (process.env.SEQUENT_DEBUG && error instanceof Error) err.line(error.stack);
  return problem.exitCode;
}

/** Commander's message without its prefix. */
function usage({ message }: CommanderError, command: string): Problem {
  const why = message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .trim();
  return {
    code: 'USAGE',
    exitCode: exitCodes.usage,
    what: 'the command is incomplete or unknown',
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

await main(process.argv.slice(2));
