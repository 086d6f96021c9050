import type { Command } from 'commander';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';
import type { RepairFilter } from '#src/client/client.ts';

export type DeadLetterFilters = { function?: string; destination?: string; since?: number };

export function withDeadLetterFilters(command: Command): Command {
  return command
    .option('--function <name>', 'only of this function')
    .option('--destination <id>', 'only to this destination, such as http-0, or to all of a kind, such as http')
    .option('--since <when>', 'only given up since then: 30m, 2h, 30d ago, or 2026-01-31T12:00:00Z', parsePointInTime);
}

export function filterOf({ function: name, destination, since }: DeadLetterFilters): RepairFilter {
  return { function: name, destination, since };
}

export function isFiltered(filters: DeadLetterFilters): boolean {
  return filters.function !== undefined || filters.destination !== undefined || filters.since !== undefined;
}
