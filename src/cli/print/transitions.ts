import type { Format } from '#src/cli/call.ts';
import { formatTimeOfDay } from '#src/cli/print/format.ts';
import type { LiveTransition } from '#src/core/log/transitions.ts';
import { describeFact, nameFact } from './facts-in-words.ts';
import { type OutputStream, plain } from './terminal.ts';

/** The line of a transition: JSON for programs, a sentence for people. `isNamed` adds function and id to the sentence. */
export function transitionLine(transition: LiveTransition, { format, output, isNamed = true }: LineOptions): string {
  const { sequence, fact, by, function: name } = transition;
  const { invocation, at, type, ...rest } = fact;
  switch (format) {
    case 'json':
    case 'jsonl':
      return JSON.stringify({ sequence, at, requestId: invocation, function: name, transition: type, by, ...without(rest, 'function') });
    case 'name':
      return invocation;
    case 'table': {
      const whose = isNamed ? `${output.paint.bold(plain(name))}  ${invocation}  ` : '';
      return `${output.paint.dim(formatTimeOfDay(at))}  ${nameFact(type, output, 9)}  ${whose}${describeFact(fact)}`;
    }
  }
}

export type LineOptions = { format: Format; output: OutputStream; isNamed?: boolean };

function without(facts: object, key: string): object {
  return Object.fromEntries(Object.entries(facts).filter(([name]) => name !== key));
}
