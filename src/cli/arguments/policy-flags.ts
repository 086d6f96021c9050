import type { Command } from 'commander';
import { parseDuration, parseWhole } from './durations.ts';

/** The flags of a policy, of a function or of an alias. */
export type PolicyFlags = {
  maxRetries?: number;
  maxAge?: number;
  backoff?: number;
  maxBackoff?: number;
  onSuccess?: string[];
  onFailure?: string[];
  allowCycle?: true;
};

export function withPolicyOptions(command: Command): Command {
  return command
    .option('--max-retries <count>', 'retries after a failure of the function (default: 0)', parseWhole(0))
    .option('--max-age <duration>', 'how long after its acceptance an attempt may start (default: 1h)', parseDuration)
    .option('--backoff <duration>', 'the wait before the first retry (default: 1s); it doubles from there', parseDuration)
    .option('--max-backoff <duration>', 'the longest wait before a retry (default: 1m)', parseDuration)
    .option('--on-success <destination>', 'a destination for successes: FunctionGraph=<urn>, HTTP=<url>, JSON (repeatable)', collect)
    .option('--on-failure <destination>', 'a destination for failures (repeatable)', collect)
    .option('--allow-cycle', 'allow its destinations to form a loop, which is cut at run time');
}

export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}
