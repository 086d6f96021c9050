import type { Fact } from '#machines/facts.ts';
import type { FullLogEntry } from '#src/core/event-log.ts';
import type { Format } from './call.ts';
import { formatTimeOfDay } from './durations.ts';
import { describeFact, nameFact } from './facts-in-words.ts';
import { plain, type Sheet } from './terminal.ts';

/** One transition as the log told it. */
export type LiveTransition = { sequence: number; function: string; by: string; fact: Fact };

/** The transitions that a message of the log holds. */
export function transitionsIn(entry: FullLogEntry): LiveTransition[] {
  switch (entry.kind) {
    case 'request':
      return entry.message.requests.map(({ fact }) => ({ sequence: entry.sequence, function: fact.function, by: 'client', fact }));
    case 'append':
      return entry.append.facts.map((fact) => ({ sequence: entry.sequence, function: entry.name.function, by: entry.append.by, fact }));
    default:
      return [];
  }
}

/** One line for one transition: JSON for programs, words for people; those of one invocation need not name it each time. */
export function transitionLine(transition: LiveTransition, { format, sheet, isNamed = true }: LineOptions): string {
  const { sequence, fact, by, function: name } = transition;
  const { invocation, at, type, ...rest } = fact;
  switch (format) {
    case 'json':
    case 'jsonl':
      return JSON.stringify({ sequence, at, requestId: invocation, function: name, transition: type, by, ...without(rest, 'function') });
    case 'name':
      return invocation;
    case 'table': {
      const whose = isNamed ? `${sheet.paint.bold(plain(name))}  ${invocation}  ` : '';
      return `${sheet.paint.dim(formatTimeOfDay(at))}  ${nameFact(type, sheet, 9)}  ${whose}${describeFact(fact)}`;
    }
  }
}

export type LineOptions = { format: Format; sheet: Sheet; isNamed?: boolean };

function without(facts: object, key: string): object {
  return Object.fromEntries(Object.entries(facts).filter(([name]) => name !== key));
}
