import { factTypes } from '#machines/fact-types.ts';
import { conditions, type Fact } from '#machines/facts.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import type { FullLogEntry } from './event-log.ts';

/** One transition of the log. */
export type LiveTransition = {
  /** The sequence of its message. One message may hold several transitions. */
  sequence: number;
  /** The function of the invocation. */
  function: string;
  /** The process that appended the fact; `client` for a request. */
  by: string;
  /** What happened, and when: `fact.type`, `fact.at` in milliseconds since the epoch. */
  fact: Fact;
};

/** A filter of transitions. All given conditions must hold; of several values, one must match. */
export type TransitionFilter = {
  /** Names of functions. */
  function?: string | readonly string[] | undefined;
  /** Types of transitions: `queued`, `running`, `delivery.dead`, … */
  state?: string | readonly string[] | undefined;
  /** Conditions of failures. Transitions other than failures are then excluded. */
  condition?: string | readonly string[] | undefined;
};

/** The transitions in a message of the log. */
export function transitionsIn(entry: FullLogEntry): LiveTransition[] {
  switch (entry.kind) {
    case 'request':
      return entry.message.requests.map(({ fact }) => ({
        sequence: entry.sequence,
        function: entry.message.name.function,
        by: 'client',
        fact,
      }));
    case 'append':
      return entry.append.facts.map((fact) => ({ sequence: entry.sequence, function: entry.name.function, by: entry.append.by, fact }));
    default:
      return [];
  }
}

/** A validated filter. Its values are sorted, so that equal filters have equal values. */
export type TransitionTest = { functions: string[] | undefined; states: string[] | undefined; conditions: string[] | undefined };

/** Throws `InvalidInputError` that names the invalid field. */
export function parseTransitionFilter({ function: names, state, condition }: TransitionFilter): TransitionTest {
  return {
    functions: listOf(names)?.map((name) => parseFunctionName(name)),
    states: oneOf('state', listOf(state), factTypes),
    conditions: oneOf('condition', listOf(condition), Object.keys(conditions)),
  };
}

/** Makes the test whether a transition matches a filter. */
export function createTransitionTest({ functions, states, conditions: wanted }: TransitionTest): (transition: LiveTransition) => boolean {
  return ({ function: name, fact }) =>
    (functions === undefined || functions.includes(name)) &&
    (states === undefined || states.includes(fact.type)) &&
    (wanted === undefined || (fact.type === 'failed' && wanted.includes(fact.condition)));
}

function listOf(given: string | readonly string[] | undefined): string[] | undefined {
  return given === undefined ? undefined : [...new Set([given].flat())].sort();
}

function oneOf(field: string, given: string[] | undefined, known: readonly string[]): string[] | undefined {
  const strange = given?.find((one) => !known.includes(one));
  if (strange === undefined) return given;
  throw new InvalidInputError({ field, problem: `must be one of ${known.join(', ')}` });
}
