import { type Command, InvalidArgumentError, Option } from 'commander';
import { conditions } from '#machines/facts.ts';
import { type HistoryFilter, type Moment, states, statuses } from '#src/core/history-questions.ts';
import { parseDuration, parseWhole } from './durations.ts';
import { parseAsOf, parsePointInTime } from './moment.ts';

/** What the options of {@link addFilters} are called in a question. */
const fields = {
  function: 'function',
  qualifier: 'qualifier',
  state: 'state',
  status: 'status',
  condition: 'condition',
  since: 'since',
  until: 'until',
  root: 'root',
  parent: 'parent',
  redriveOf: 'redriveOf',
  minAttempts: 'minAttempts',
  maxAttempts: 'maxAttempts',
  minDuration: 'minDurationInMs',
  maxDuration: 'maxDurationInMs',
  text: 'text',
} as const satisfies Record<string, keyof HistoryFilter>;

export type FilterOptions = { [Option in keyof typeof fields]?: NonNullable<HistoryFilter[(typeof fields)[Option]]> };

/** The options that say which invocations are meant: the same for every command. */
export function addFilters(command: Command): Command {
  command
    .option('--function <name>', 'only of this function')
    .addOption(several('--state <state>', 'only in these states, repeatable', states))
    .addOption(several('--condition <condition>', 'only failed for these reasons, repeatable', Object.keys(conditions)))
    .option('--since <time>', 'accepted within this long (30m, 2h), or from a moment on (2026-01-31T12:00:00Z)', parsePointInTime)
    .option('--until <time>', 'accepted before: the same', parsePointInTime);
  return addInvocationFilters(command);
}

/** Those that mean the same of a transition: that its invocation is such a one. */
export function addInvocationFilters(command: Command): Command {
  return command
    .option('--qualifier <qualifier>', 'only of this version or !alias')
    .addOption(several('--status <status>', "only of FunctionGraph's statuses, repeatable", statuses))
    .option('--root <id>', 'only of the chain that began with this request')
    .option('--parent <id>', 'only what followed from this invocation')
    .option('--redrive-of <id>', 'only what ran this invocation again')
    .option('--min-attempts <count>', 'only with at least so many attempts', parseWhole(0))
    .option('--max-attempts <count>', 'only with at most so many attempts', parseWhole(0))
    .option('--min-duration <duration>', 'only if acceptance to outcome took at least this long', parseDuration)
    .option('--max-duration <duration>', 'only if it took at most this long', parseDuration)
    .option('--text <words>', 'only with all of these words in the payload, or all in the error; word* is the beginning of one');
}

export function filterOf(options: FilterOptions, functionName?: string): HistoryFilter {
  const given = { ...options, ...(functionName === undefined ? {} : { function: functionName }) };
  const named = Object.entries(fields).map(([option, field]) => [field, given[option as keyof typeof fields]]);
  // The service validates what is left.
  return Object.fromEntries(named.filter(([, value]) => value !== undefined)) as HistoryFilter;
}

/** The option that asks of an earlier moment. */
export function momentOption(): Option {
  return new Option('--at <moment>', 'as it was then: behind a sequence of the log, at a time of the log, or how long ago').argParser(
    parseAsOf,
  );
}

export type MomentOptions = { at?: Moment };

export function momentOf({ at }: MomentOptions): { moment?: Moment } {
  return at === undefined ? {} : { moment: at };
}

function several(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, `${description}: ${choices.join(', ')}`).argParser((value: string, previous: string[] = []) => {
    const wanted = value.split(',');
    if (wanted.every((one) => choices.includes(one))) return [...previous, ...wanted];
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
  });
}
