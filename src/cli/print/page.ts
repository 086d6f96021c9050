import type { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import type { Call } from '../call.ts';
import { type Listing, printList } from './output.ts';

/** How many definitions a table has. */
const PAGE = 500;

export type PageOptions = { containing?: string; after?: string; limit?: number };

/** Adds the options of a list of definitions. `what`: the plural of what the list has. */
export function withPageOptions(command: Command, what: string): Command {
  return command
    .option('--containing <text>', `only ${what} whose names contain it`)
    .option('--after <name>', `only ${what} whose names follow it`)
    .option('-n, --limit <count>', `the maximum number of ${what} (default: ${PAGE} in a table, else all)`, parseWhole(1, 1_000_000));
}

/** The page that a call asks for. A table has a page, all other formats have all. */
export function pageOf({ options: { containing = '', after, limit }, format }: Call<PageOptions>) {
  const isWanted = (name: string): boolean => name.includes(containing);
  return { after, limit: limit ?? (format === 'table' ? PAGE : Number.POSITIVE_INFINITY), isWanted };
}

type Page<Row> = Omit<Listing<Row>, 'empty'> & {
  hasMore: boolean;
  /** What a table says in place of rows: when there is none at all, and when the options exclude all. */
  none: string;
  noSuch: string;
  /** Says how to read on after the last row. */
  more: (last: string) => string;
};

/** Prints a page of definitions. A table says when more follow, and how to read on. */
export function printPage<Row>(call: Call<PageOptions>, { hasMore, none, noSuch, more, ...listing }: Page<Row>): void {
  const { containing = '', after } = call.options;
  printList(call, { ...listing, empty: containing === '' && after === undefined ? none : noSuch });
  const last = listing.rows.at(-1);
  if (hasMore && last !== undefined && call.format === 'table') call.terminal.err.line(more(listing.name(last)));
}
