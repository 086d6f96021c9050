import { type Command, InvalidArgumentError, Option } from 'commander';
import { conditions } from '#machines/facts.ts';
import { waitKinds } from '#src/core/flow/wait-kind.ts';
import { poolsNamed } from '#src/core/functions/pool-names.ts';
import { MAX_PRIORITY } from '#src/core/functions/priority.ts';
import { type HistoryFilter, type Moment, states, statuses } from '#src/core/history-questions.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { parseDuration, parseWhole } from './durations.ts';
import { parseAsOf, parseLaterTime, parsePointInTime } from './moment.ts';

/** The fields of a history query for the options of {@link addFilters}. */
const fields = {
  function: 'function',
  qualifier: 'qualifier',
  version: 'version',
  state: 'state',
  status: 'status',
  condition: 'condition',
  since: 'since',
  until: 'until',
  dueBefore: 'dueBefore',
  root: 'root',
  parent: 'parent',
  redriveOf: 'redriveOf',
  batch: 'batch',
  schedule: 'schedule',
  flowKey: 'waitsKey',
  waitKind: 'waitsKind',
  priority: 'priority',
  minAttempts: 'minAttempts',
  maxAttempts: 'maxAttempts',
  minDuration: 'minDurationInMs',
  maxDuration: 'maxDurationInMs',
  text: 'text',
} as const satisfies Record<string, keyof HistoryFilter>;

export type FilterOptions = { waitsFor?: string } & {
  [Option in keyof typeof fields]?: NonNullable<HistoryFilter[(typeof fields)[Option]]>;
};

/** Adds the options that select invocations. */
export function addFilters(command: Command): Command {
  command
    .option('--function <name>', 'only of this function')
    .addOption(several('--state <state>', 'only in these states, repeatable', states))
    .addOption(several('--condition <condition>', 'only failed for these reasons, repeatable', Object.keys(conditions)))
    .option('--since <time>', 'only accepted since then: 30m, 2h, 30d ago, or 2026-01-31T12:00:00Z', parsePointInTime)
    .option('--until <time>', 'only accepted before then: a duration ago or a moment', parsePointInTime)
    .option(
      '--due-before <time>',
      'only waiting for an attempt that is due within 10m, 2h, 30d, or before 2026-01-31T12:00:00Z',
      parseLaterTime,
    )
    .option('--batch <id>', 'only members of this batch')
    .option('--version <version>', 'only run by this version, also behind an alias');
  return addInvocationFilters(command);
}

/** Adds the options that also select transitions, by their invocation. */
export function addInvocationFilters(command: Command): Command {
  return command
    .option('--qualifier <qualifier>', 'only for this version or !alias, as the request names it')
    .addOption(several('--status <status>', "only of FunctionGraph's statuses, repeatable", statuses))
    .option('--root <id>', 'only of the chain of this request')
    .option('--parent <id>', 'only invocations that destinations of this invocation started')
    .option('--redrive-of <id>', 'only redrives of this invocation')
    .option('--schedule <name>', 'only requested by this schedule')
    .option('--waits-for <name>', 'only waiting for the flow of this function, or of this pool of functions')
    .option('--flow-key <key>', 'only waiting with this key of a flow')
    .addOption(several('--wait-kind <kind>', 'only waiting for a slot, a rate or a debounce of a flow, repeatable', waitKinds))
    .option('--priority <level>', 'only of this priority, from 0 to 9; a request without one has 4', parseWhole(0, MAX_PRIORITY))
    .option('--min-attempts <count>', 'only with at least this many attempts', parseWhole(0))
    .option('--max-attempts <count>', 'only with at most this many attempts', parseWhole(0))
    .option('--min-duration <duration>', 'only if the time from acceptance to outcome is at least this long', parseDuration)
    .option('--max-duration <duration>', 'only if that time is at most this long', parseDuration)
    .option('--text <words>', 'only with all of these words in the payload, or all in the error; word* matches a prefix');
}

export function filterOf(options: FilterOptions, functionName?: string): HistoryFilter {
  const given = { ...options, ...(functionName === undefined ? {} : { function: functionName }) };
  const { waitsFor } = options;
  const named: [string, unknown][] = Object.entries(fields).map(([option, field]) => [field, given[option as keyof typeof fields]]);
  if (waitsFor !== undefined) named.push(['waitsPool', poolsNamed(parseFunctionName(waitsFor))]);
  // The history service validates the values.
  return Object.fromEntries(named.filter(([, value]) => value !== undefined)) as HistoryFilter;
}

/** The option for an earlier moment. */
export function momentOption(): Option {
  return new Option('--at <moment>', 'the state at an earlier moment: a sequence of the log, a time, or a duration ago').argParser(
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
