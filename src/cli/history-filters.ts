import { type Command, InvalidArgumentError, Option } from 'commander';
import { conditions } from '#machines/facts.ts';
import { type HistoryFilter, states, statuses } from '#src/core/history.ts';
import { parseDuration, parseWhole } from './durations.ts';
import { parseSince } from './since.ts';

export type FilterOptions = {
  function?: string;
  qualifier?: string;
  state?: string[];
  status?: string[];
  condition?: string[];
  since?: number;
  until?: number;
  root?: string;
  parent?: string;
  redriveOf?: string;
  minAttempts?: number;
  minDuration?: number;
  text?: string;
};

/** The options that say which invocations are meant: the same for every command. */
export function addFilters(command: Command): Command {
  return command
    .option('--function <name>', 'only of this function')
    .option('--qualifier <qualifier>', 'only of this version or !alias')
    .addOption(several('--state <state>', 'only in these states, repeatable', states))
    .addOption(several('--status <status>', "only of FunctionGraph's statuses, repeatable", statuses))
    .addOption(several('--condition <condition>', 'only failed for these reasons, repeatable', Object.keys(conditions)))
    .option('--since <time>', 'accepted within this long (30m, 2h), or from a moment on (2026-01-31T12:00:00Z)', parseSince)
    .option('--until <time>', 'accepted before: the same', parseSince)
    .option('--root <id>', 'only of the chain that began with this request')
    .option('--parent <id>', 'only what followed from this invocation')
    .option('--redrive-of <id>', 'only what ran this invocation again')
    .option('--min-attempts <count>', 'only with at least so many attempts', parseWhole(0))
    .option('--min-duration <duration>', 'only if acceptance to outcome took at least this long', parseDuration)
    .option('--text <words>', 'only with all of these words in the payload, or all in the error; word* is the beginning of one');
}

export function filterOf(options: FilterOptions, functionName?: string): HistoryFilter {
  const {
    minDuration,
    function: named,
    qualifier,
    state,
    status,
    condition,
    since,
    until,
    root,
    parent,
    redriveOf,
    minAttempts,
    text,
  } = options;
  const given = {
    function: functionName ?? named,
    qualifier,
    state,
    status,
    condition,
    since,
    until,
    root,
    parent,
    redriveOf,
    minAttempts,
    minDurationInMs: minDuration,
    text,
  };
  // The service validates what is left.
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as HistoryFilter;
}

function several(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, `${description}: ${choices.join(', ')}`).argParser((value: string, previous: string[] = []) => {
    const wanted = value.split(',');
    if (wanted.every((one) => choices.includes(one))) return [...previous, ...wanted];
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
  });
}
