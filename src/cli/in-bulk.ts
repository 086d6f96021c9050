import { plural } from '#src/cli/print/format.ts';
import { messageOf, SequentError } from '#src/core/errors.ts';
import type { Call, Format } from './call.ts';
import { plain } from './print/terminal.ts';
import { type ExitCode, exitCodes, usageProblem } from './problem.ts';
import type { RecordedBulk } from './recorded-bulk.ts';

/** The options of every command that repeats one action for many items. */
export type BulkOptions = { dryRun?: true; rate?: number; yes?: true };

export type Bulk<Item> = {
  items: readonly Item[];
  /** The action, such as `redrive`. */
  verb: string;
  past: string;
  /** The kind of the items, such as `dead delivery`. */
  noun: string;
  nouns: string;
  /** The name of an item on its line. */
  nameOf: (item: Item) => string;
  toJson: (item: Item) => object;
  /** Records the operation, so that others see it and can abort it. */
  record?: (total: number) => Promise<RecordedBulk>;
  /** The invocation of an item, for the record. */
  subjectOf?: (item: Item) => { id: string; function: string };
  /** Performs the action; resolves to the note for the item's line and to the fields for its JSON. */
  perform: (item: Item) => Promise<{ note: string; json: object }>;
};

const MAX_CONCURRENT = 16;
const PROGRESS_EVERY_MS = 2_000;

/**
 * Performs an action for many items, at most `rate` of them per second. Prints a line per item to stdout, the progress to stderr.
 *
 * An item whose action is refused is printed to stderr and skipped; the exit code is then 1.
 */
export async function inBulk<Item>(call: Call<BulkOptions>, bulk: Bulk<Item>): Promise<ExitCode> {
  const { options, terminal, format } = call;
  const { items, noun, nouns, verb, past, nameOf } = bulk;
  const { out, err } = terminal;
  if (items.length === 0) {
    err.line(`no ${noun} matches`);
    return exitCodes.ok;
  }
  if (options.dryRun) {
    for (const item of items) out.line(lineFor(item, bulk, { format, note: `would be ${past}`, json: { dryRun: true } }));
    err.line(`${plural(items.length, noun, nouns)} would be ${past}; this was a dry run`);
    return exitCodes.ok;
  }
  if (!options.yes && !(await confirm(call, `${capital(verb)} ${plural(items.length, noun, nouns)}?`))) {
    err.line(`nothing was ${past}`);
    return exitCodes.failed;
  }
  const progress = { done: 0, failed: 0 };
  const recorded = await bulk.record?.(items.length);
  if (recorded !== undefined) err.line(err.paint.dim(`bulk operation ${recorded.id}; sequent bulk abort ${recorded.id} ends it`));
  const reporting = setInterval(() => err.line(`${progress.done + progress.failed} of ${items.length}`), PROGRESS_EVERY_MS);
  try {
    await paced(items, options.rate, async (item) => {
      if (recorded?.isAborted) return;
      try {
        out.line(lineFor(item, bulk, { format, ...(await bulk.perform(item)) }));
        progress.done++;
        recorded?.done();
      } catch (error) {
        // Another caller may have changed this item. An error that does not concern the item ends the command.
        if (!(error instanceof SequentError) || error.retryable) throw error;
        progress.failed++;
        recorded?.failed(bulk.subjectOf?.(item) ?? { id: nameOf(item), function: '' }, error);
        err.line(plain(messageOf(error)));
      }
    });
  } finally {
    clearInterval(reporting);
    await recorded?.end();
  }
  if (recorded?.isAborted) err.line('the operation was aborted');
  err.line(`${plural(progress.done, noun, nouns)} ${past}${progress.failed === 0 ? '' : `, ${progress.failed} could not be`}`);
  return progress.done === items.length ? exitCodes.ok : exitCodes.failed;
}

/** Starts each action when the rate and the limit of concurrent actions allow it. */
async function paced<Item>(items: readonly Item[], rate: number | undefined, perform: (item: Item) => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  const running = new Set<Promise<void>>();
  for (const [index, item] of items.entries()) {
    const waitInMs = rate === undefined ? 0 : startedAt + (index * 1_000) / rate - performance.now();
    if (waitInMs > 0) await new Promise((resolve) => setTimeout(resolve, waitInMs));
    const one = perform(item).finally(() => running.delete(one));
    running.add(one);
    if (running.size >= MAX_CONCURRENT) await Promise.race(running);
  }
  await Promise.all(running);
}

function lineFor<Item>(
  item: Item,
  { nameOf, toJson }: Bulk<Item>,
  { format, note, json }: { format: Format; note: string; json: object },
): string {
  if (format === 'json' || format === 'jsonl') return JSON.stringify({ ...toJson(item), ...json });
  return format === 'name' ? nameOf(item) : plain(`${nameOf(item)}  ${note}`);
}

async function confirm({ terminal }: Call, question: string): Promise<boolean> {
  if (terminal.canAsk) return await terminal.ask(question);
  throw usageProblem(
    'nothing was done',
    'the command needs a confirmation, and there is no terminal to ask on',
    'the same command with --yes, or with --dry-run to list the items',
  );
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
