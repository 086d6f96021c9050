import { type Command, Option } from 'commander';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';
import type { RepairFilter } from '#src/client/client.ts';
import type { Call } from '../../call.ts';
import { usageProblem } from '../../problem.ts';

export type DeadLetterFilters = { function?: string; destination?: string; reason?: string; since?: number };

export function withDeadLetterFilters(command: Command): Command {
  return command
    .option('--function <name>', 'only of this function')
    .option('--destination <id>', 'only to this destination, such as http-0, or to all of a kind, such as http')
    .option('--reason <text>', 'only with this text in the reason')
    .option('--since <when>', 'only given up since then: 30m, 2h, 30d ago, or 2026-01-31T12:00:00Z', parsePointInTime);
}

export function filterOf({ function: name, destination, reason, since }: DeadLetterFilters): RepairFilter {
  return { function: name, destination, reason, since };
}

/** The note of a person who settles deliveries. */
export function noteOption(): Option {
  return new Option('-m, --note <text>', 'why; the log keeps the note').makeOptionMandatory();
}

/** Refuses a bulk command without a selection, so that no slip changes all deliveries. */
export function checkSelection({ args, options }: Call<DeadLetterFilters & { all?: true }>, past: string): void {
  if (args[0] !== undefined || options.all || isFiltered(options)) return;
  const remedy = 'a request id, --function, --destination, --reason, --since, or --all';
  throw usageProblem(`no delivery was ${past}`, 'the command needs a selection', remedy);
}

function isFiltered({ function: name, destination, reason, since }: DeadLetterFilters): boolean {
  return [name, destination, reason, since].some((value) => value !== undefined);
}
