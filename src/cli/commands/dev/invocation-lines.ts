import { join } from 'node:path';
import type { Fact, FactOf, Failure } from '#machines/facts.ts';
import type { Format } from '#src/cli/call.ts';
import { fromHere } from '#src/cli/code/code-error.ts';
import { nameFact } from '#src/cli/print/facts-in-words.ts';
import { formatTimeOfDay } from '#src/cli/print/format.ts';
import { isFrame, sourceLine } from '#src/cli/print/source-line.ts';
import { type OutputStream, plain } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import type { LiveTransition } from '#src/core/log/transitions.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { LiveAttempts } from './live-attempts.ts';

type AttemptEnd = FactOf<'retrying'> | FactOf<'succeeded'> | FactOf<'failed'>;

/** `rest`: the lines of output that were not printed while the attempt ran. */
type Facts = { name: string; rest: readonly string[]; durationInMs: number | null };
type Options = {
  format: Format;
  output: OutputStream;
  live: Pick<LiveAttempts, 'restOf'>;
  /** The folder on this machine that a package was made of. */
  rootOf: (digest: string) => string | undefined;
};

/** The frames of Node and of the runtime say nothing about the handler. */
const otherFrame = /\bnode:|\/hosts\/runtime\/|\/runtime\/(?:child|outcome)\.mjs/;

/** Prints one line for each attempt that ends, then the output that is not printed yet, and the stack of a failed one. */
export function createInvocationLines({ format, output, live, rootOf }: Options): (transition: LiveTransition) => void {
  /** When the present attempt started, by function and invocation. */
  const started = new Map<string, number>();

  return (transition) => {
    const { function: name, fact } = transition;
    const key = `${name} ${fact.invocation}`;
    if (fact.type === 'running') started.set(key, fact.at);
    if (!endsAttempt(fact)) return;
    const startedAt = started.get(key);
    started.delete(key);
    print(fact, { name, rest: live.restOf(transition), durationInMs: startedAt === undefined ? null : fact.at - startedAt });
  };

  function print(fact: AttemptEnd, facts: Facts): void {
    if (format === 'name') return output.line(fact.invocation);
    if (format === 'table') {
      for (const line of linesOf(fact, facts)) output.line(line);
      return;
    }
    const { invocation: requestId, type: outcome, at, attempt, ...rest } = fact;
    const { name, durationInMs } = facts;
    output.line(JSON.stringify({ at, function: name, requestId, attempt, outcome, durationInMs, ...rest }));
  }

  function linesOf(fact: AttemptEnd, { name, rest, durationInMs }: Facts): string[] {
    const { paint } = output;
    const took = durationInMs === null ? '' : `  ${formatDuration(durationInMs)}`;
    const next =
      fact.type === 'retrying' ? say(', next in {duration}', { duration: formatDuration(Math.max(0, fact.dueAt - fact.at)) }) : '';
    const attempt = fact.attempt === 0 ? say('not run') : say('attempt {attempt}', fact);
    const head = `${paint.dim(formatTimeOfDay(fact.at))}  ${paint.bold(plain(name))}  ${fact.invocation}  ${attempt}  ${nameFact(fact.type, output)}${next}${took}`;
    return [head, ...rest.map((line) => `  ${paint.dim('|')} ${plain(line)}`), ...('failure' in fact ? failureLines(fact.failure) : [])];
  }

  function failureLines({ errorType, message, stackTrace = [] }: Failure): string[] {
    const { paint } = output;
    const text = message.replace(/^function (?:invocation|entry|initialization) exception(?:, error)?: /, '');
    const frames = stackTrace.filter((frame) => isFrame(frame) && !otherFrame.test(frame)).slice(0, 10);
    return [
      ...text.split('\n').map((line, index) => `  ${paint.red(plain(index === 0 ? `${errorType}: ${line}` : line))}`),
      ...excerptOf(frames),
      ...frames.map((frame) => `    ${paint.dim(plain(shown(frame)))}`),
    ];
  }

  /** The line of the code that ran, which may be older than the file. */
  function excerptOf(frames: readonly string[]): string[] {
    const places = frames.map(inPackage).filter((one) => one !== undefined);
    // Python names the place of the error last.
    const found = frames[0]?.startsWith('File ') ? places.at(-1) : places[0];
    if (found?.line === undefined || rootOf(found.digest) === undefined) return [];
    const code = sourceLine(found.path, Number(found.line));
    return code === undefined ? [] : [`    ${found.line} | ${plain(code)}`];
  }

  /** A frame with the path of the source instead of that of the unpacked package. */
  function shown(frame: string): string {
    const found = inPackage(frame);
    const root = found === undefined ? undefined : rootOf(found.digest);
    return found === undefined || root === undefined ? frame : frame.replace(found.text, fromHere(join(root, found.file)));
  }
}

type FrameInPackage = {
  /** The part of the frame that names the file. */
  text: string;
  path: string;
  digest: string;
  file: string;
  line: string | undefined;
};

/** The file of a frame, if the file is in an unpacked package. */
function inPackage(frame: string): FrameInPackage | undefined {
  const [, text = '', digest, file = '', line] =
    /((?:file:\/\/)?\/[^\s()]*?\/([0-9a-f]{128})\/([^\s():"]+))(?:"?, line |:)?(\d+)?/.exec(frame) ?? [];
  return digest === undefined ? undefined : { text, path: text.replace(/^file:\/\//, ''), digest, file: decodeURI(file), line };
}

function endsAttempt(fact: Fact): fact is AttemptEnd {
  return fact.type === 'retrying' || fact.type === 'succeeded' || fact.type === 'failed';
}
