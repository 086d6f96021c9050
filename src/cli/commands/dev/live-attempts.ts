import { nameFact } from '#src/cli/print/facts-in-words.ts';
import { formatTimeOfDay } from '#src/cli/print/format.ts';
import { type OutputStream, plain } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import type { LiveTransition } from '#src/core/log/transitions.ts';
import { attemptIn } from '#src/core/output/attempt-lines.ts';
import { LiveLines } from '#src/core/output/live-lines.ts';
import type { LiveAnswer, LiveOutput } from '#src/core/ports/questions/live-output.ts';

type Options = {
  /** Without it, output is printed when its attempt ends. */
  liveOutput: Pick<LiveOutput, 'follow'> | undefined;
  output: OutputStream;
  signal: AbortSignal;
};

/** The output of the attempts that run, as they print it. */
export interface LiveAttempts {
  /** Follows the output of a function while an attempt of the function runs, so that a function at rest is never asked. */
  onTransition(transition: LiveTransition): void;
  /** The output of the attempt that a transition ends, without the lines that were printed while it ran. */
  restOf(transition: LiveTransition): string[];
}

type Followed = { lines: LiveLines; running: Set<string>; ending: AbortController };

export function createLiveAttempts({ liveOutput, output, signal }: Options): LiveAttempts {
  const functions = new Map<string, Followed>();
  /** The attempt whose lines were printed last. */
  let block: string | undefined;

  function followedOf(name: string): Followed {
    const followed = functions.get(name) ?? { lines: new LiveLines(), running: new Set(), ending: new AbortController() };
    functions.set(name, followed);
    return followed;
  }

  function start(name: string, followed: Followed): void {
    const { lines } = followed;
    followed.ending = new AbortController();
    const ending = AbortSignal.any([followed.ending.signal, signal]);
    const asked = { function: name, after: () => lines.after() };
    const follow = async (from: Pick<LiveOutput, 'follow'>): Promise<void> => {
      for await (const answer of from.follow(asked, ending)) print(name, lines, answer);
    };
    // The output is printed when its attempt ends in any case.
    if (liveOutput !== undefined) follow(liveOutput).catch(() => {});
  }

  function print(name: string, lines: LiveLines, { parts, at }: LiveAnswer): void {
    const { dim } = output.paint;
    for (const { invocation, attempt, text, leftOut } of parts.flatMap((part) => lines.add(part, { function: name, at }))) {
      const head = `${plain(name)}  ${invocation}  ${say('attempt {attempt}', { attempt })}  ${nameFact('running', output)}`;
      if (block !== head) output.line(`${dim(formatTimeOfDay(at))}  ${head}`);
      block = head;
      if (leftOut !== undefined) output.line(`  ${dim(say('{count} lines left out', { count: leftOut }))}`);
      output.line(`  ${dim('|')} ${plain(text)}`);
    }
  }

  return {
    onTransition({ function: name, fact: { type, invocation } }) {
      const followed = followedOf(name);
      const { running } = followed;
      if (type === 'running') {
        if (running.size === 0) start(name, followed);
        running.add(invocation);
      } else if (type === 'retrying' || type === 'succeeded' || type === 'failed') {
        running.delete(invocation);
        if (running.size === 0) followed.ending.abort();
      }
    },
    restOf(transition) {
      const ended = attemptIn(transition);
      if (ended === undefined) return [];
      block = undefined;
      const lines = followedOf(transition.function).lines.end(ended);
      return lines.flatMap(({ kind, text }) => (kind === 'output' && text !== '' ? [text] : []));
    },
  };
}
