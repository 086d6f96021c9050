import { plural } from '#src/cli/print/format.ts';
import { messageOf, SequentError } from '#src/core/errors.ts';
import type { Call, Format } from './call.ts';
import { plain } from './print/terminal.ts';
import { type ExitCode, exitCodes, usageProblem } from './problem.ts';

/** The options of every command that does the same to many. */
export type BulkOptions = { dryRun?: true; rate?: number; yes?: true };

export type Bulk<Item> = {
  items: readonly Item[];
  /** What is done, such as `redrive`, and to what: `dead delivery`. */
  verb: string;
  past: string;
  noun: string;
  nouns: string;
  /** What one is called on its line. */
  nameOf: (item: Item) => string;
  toJson: (item: Item) => object;
  /** What to say beside the name once it is done; also for JSON. */
  perform: (item: Item) => Promise<{ note: string; json: object }>;
};

const AT_ONCE = 16;
const SAY_EVERY_MS = 2_000;

/**
 * Does the same to many, at most `rate` of them a second: says how far it is on stderr, prints a line for each on stdout.
 *
 * One that cannot be done is said and left out; the exit code is 1 then.
 */
export async function inBulk<Item>(call: Call<BulkOptions>, bulk: Bulk<Item>): Promise<ExitCode> {
  const { options, terminal, format } = call;
  const { items, noun, nouns, verb, past } = bulk;
  const { out, err } = terminal;
  if (items.length === 0) {
    err.line(`no ${noun} matches`);
    return exitCodes.ok;
  }
  if (options.dryRun) {
    for (const item of items) out.line(lineFor(item, bulk, { format, note: `would be ${past}`, json: { dryRun: true } }));
    err.line(`${plural(items.length, noun, nouns)} would be ${past}; nothing was`);
    return exitCodes.ok;
  }
  if (!options.yes && !(await confirm(call, `${capital(verb)} ${plural(items.length, noun, nouns)}?`))) {
    err.line(`nothing was ${past}`);
    return exitCodes.failed;
  }
  const progress = { done: 0, failed: 0 };
  const saying = setInterval(() => err.line(`${progress.done + progress.failed} of ${items.length}`), SAY_EVERY_MS);
  try {
    await paced(items, options.rate, async (item) => {
      try {
        out.line(lineFor(item, bulk, { format, ...(await bulk.perform(item)) }));
        progress.done++;
      } catch (error) {
        // Somebody else may have been faster with this one. What has nothing to do with it ends the command.
        if (!(error instanceof SequentError) || error.retryable) throw error;
        progress.failed++;
        err.line(plain(messageOf(error)));
      }
    });
  } finally {
    clearInterval(saying);
  }
  err.line(`${plural(progress.done, noun, nouns)} ${past}${progress.failed === 0 ? '' : `, ${progress.failed} could not be`}`);
  return progress.failed === 0 ? exitCodes.ok : exitCodes.failed;
}

/** Begins each when the rate allows, or as soon as there is room. */
async function paced<Item>(items: readonly Item[], rate: number | undefined, perform: (item: Item) => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  const running = new Set<Promise<void>>();
  for (const [place, item] of items.entries()) {
    const waitInMs = rate === undefined ? 0 : startedAt + (place * 1_000) / rate - performance.now();
    if (waitInMs > 0) await new Promise((resolve) => setTimeout(resolve, waitInMs));
    const one = perform(item).finally(() => running.delete(one));
    running.add(one);
    if (running.size >= AT_ONCE) await Promise.race(running);
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
    'nobody is here to confirm it',
    'the same command with --yes, or with --dry-run to see what it would do',
  );
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
