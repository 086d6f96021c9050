import { type Command, Option } from 'commander';
import { parseDuration, parseWhole } from '#src/cli/arguments/durations.ts';
import { collect, withPolicyOptions } from '#src/cli/arguments/policy-flags.ts';
import { parseFlowRate } from '#src/cli/arguments/rate.ts';
import { parseSize } from '#src/cli/arguments/size.ts';

/** The options that name the code of a function. */
export function withCodeOptions(command: Command): Command {
  return command
    .option(
      '--file <path>',
      'run this module of JavaScript, TypeScript or Python with all that it imports, or a bootstrap, a folder or a zip archive',
    )
    .option('--folder <path>', 'run the code of this folder: Sequent stores it, and every worker and version gets it')
    .option('--zip <path>', 'run the code of this zip archive, like --folder')
    .option('--handler <export>', 'the exported function (default: handler); of a package with its file (default: index.handler)')
    .option('--initializer <export>', 'an exported function that runs once in each process')
    .option(
      '--runtime <name>',
      'nodejs, python3, a version such as python3.12, custom, http or executable (default: by the name of the file)',
    )
    .option('--layer <name:version>', 'the code finds the files of this stored layer beside its own (repeatable)', collect);
}

/** The options that name all other fields of a function. */
export function withSettingsOptions(command: Command): Command {
  const withLimits = command
    .option('--description <text>', 'a description')
    .option('--timeout <duration>', 'how long one attempt may take (default: 30s)', parseDuration)
    .option('--memory <mb>', 'the memory limit of one process (default: 256)', parseWhole(1))
    .option('--concurrency <count>', 'concurrent executions per worker (default: 20)', parseWhole(1))
    .option('--max-payload <size>', 'the largest event and returned value, at most 64MB (default: 256KB)', parseSize)
    .option('--max-output <size>', 'how much of the output of each attempt is kept, at most 4MB (default: 4KB)', parseSize);
  return withPolicyOptions(
    withFlowOptions(withLimits).option('--user-data <key=value>', 'a value for context.getUserData(key) (repeatable)', collect),
  ).option('--unset <field>', 'remove this field: flow, policy.onFailure, userData.KEY (repeatable)', collect);
}

function withFlowOptions(command: Command): Command {
  return command
    .option(
      '--flow-concurrency <count>',
      'attempts at one moment over all workers: of each key with --flow-key, else of all',
      parseWhole(1, 1_000),
    )
    .option('--flow-rate <rate>', 'starts in a time over all workers: 100/1s, or 100/1m:20 with a burst of 20', parseFlowRate)
    .option('--flow-key <path>', 'where the key is in the event: $.customer; the key of a request has precedence (invoke --flow-key)')
    .option('--flow-total <count>', 'with --flow-key: attempts of all keys together', parseWhole(1, 1_000))
    .option('--flow-pool <name>', 'share the slots with the functions of the same pool')
    .option('--flow-debounce-wait <duration>', 'requests of a key run once, when none came for this time: 5s; needs --flow-debounce-keep')
    .option(
      '--flow-debounce-max-wait <duration>',
      'with --flow-debounce-wait: the longest time after the first request (default: 10 waits)',
    )
    .addOption(
      new Option('--flow-debounce-keep <which>', 'with --flow-debounce-wait: the last request runs, or all run together').choices([
        'last',
        'all',
      ]),
    )
    .addOption(
      new Option(
        '--flow-order <order>',
        'fifo: the requests of a key start one after another, in their order; priority: the most urgent one that waits starts first',
      ).choices(['fifo', 'priority']),
    )
    .option('--flow-aging <duration>', 'with --flow-order priority: each level puts a request ahead by this time (default: 1m)')
    .addOption(
      new Option(
        '--flow-on-retry <what>',
        'with --flow-order fifo: a failed attempt holds its key until its outcome, or others pass',
      ).choices(['hold', 'pass']),
    );
}
