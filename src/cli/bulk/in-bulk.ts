import { setTimeout as sleep } from 'node:timers/promises';
import { say, sayCount } from '#src/cli/texts/say.ts';
import { messageOf, SequentError } from '#src/core/errors.ts';
import type { Call, Format } from '../call.ts';
import { plain } from '../print/terminal.ts';
import { type ExitCode, exitCodes, usageProblem } from '../problem.ts';
import type { BulkTexts } from './bulk-texts.ts';
import type { RecordedBulk } from './recorded-bulk.ts';

/** The options of every command that repeats one action for many items. */
export type BulkOptions = { dryRun?: true; rate?: number; yes?: true };

/** What the action did to an item: the note for its line, and the fields for its JSON. */
export type Performed = { note: string; json: object; isLeftOut?: true };

export type Bulk<Item> = {
  items: readonly Item[];
  /** What the command says about its action. */
  texts: BulkTexts;
  /** The name of an item on its line. */
  nameOf: (item: Item) => string;
  toJson: (item: Item) => object;
  /** Records the operation, so that others see it and can abort it. */
  record?: (total: number) => Promise<RecordedBulk>;
  /** The invocation of an item, for the record. */
  subjectOf?: (item: Item) => { id: string; function: string };
  /** Performs the action, or leaves the item out, because another caller has performed the action already. */
  perform: (item: Item) => Promise<Performed>;
};

const MAX_CONCURRENT = 16;
const PROGRESS_EVERY_MS = 2_000;
const LOOK_EVERY_MS = 500;

/**
 * Performs an action for many items, at most `rate` of them per second. Prints a line per item to stdout, the progress to stderr.
 *
 * An item whose action is refused is printed to stderr and skipped; the exit code is then 1. An item that is left out needs no action.
 */
export async function inBulk<Item>(call: Call<BulkOptions>, bulk: Bulk<Item>): Promise<ExitCode> {
  const { options, terminal, format } = call;
  const {
    texts,
    nameOf,
    items: { length: total },
  } = bulk;
  const inWords = (count: number): string => sayCount(count, texts.items);
  const { out, err } = terminal;
  if (total === 0) {
    err.line(say(texts.none));
    return exitCodes.ok;
  }
  if (options.dryRun) {
    for (const item of bulk.items) out.line(lineFor(item, bulk, { format, note: say(texts.wouldBe), json: { dryRun: true } }));
    err.line(say(texts.dryRun, { items: inWords(total) }));
    return exitCodes.ok;
  }
  if (!options.yes && !(await confirm(call, say(texts.ask, { items: inWords(total) })))) {
    err.line(say(texts.nothing));
    return exitCodes.failed;
  }
  const progress = { done: 0, failed: 0, leftOut: 0 };
  const recorded = await bulk.record?.(total);
  if (recorded !== undefined) err.line(err.paint.dim(say('bulk operation {id}; sequent bulk abort {id} ends it', { id: recorded.id })));
  const reporting = setInterval(
    () => err.line(say('{done} of {total}', { done: progress.done + progress.failed + progress.leftOut, total })),
    PROGRESS_EVERY_MS,
  );
  try {
    await paced(bulk.items, { rate: options.rate, isOver: () => recorded?.isAborted === true }, async (item) => {
      try {
        const { isLeftOut, ...performed } = await bulk.perform(item);
        out.line(lineFor(item, bulk, { format, ...performed }));
        const result = isLeftOut === true ? 'leftOut' : 'done';
        progress[result]++;
        recorded?.[result]();
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
  if (recorded?.isAborted) err.line(say('the operation was aborted'));
  const { done, failed, leftOut } = progress;
  err.line(failed === 0 ? say(texts.done, { items: inWords(done) }) : say(texts.partly, { items: inWords(done), failed }));
  if (leftOut > 0) err.line(say('{leftOut} left out', { leftOut }));
  return done + leftOut === total ? exitCodes.ok : exitCodes.failed;
}

type Pace = { rate: number | undefined; isOver: () => boolean };

/** Starts each action when the rate and the limit of concurrent actions allow it, until the operation is over. */
async function paced<Item>(items: readonly Item[], { rate, isOver }: Pace, perform: (item: Item) => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  const running = new Set<Promise<void>>();
  for (const [index, item] of items.entries()) {
    if (rate !== undefined) await sleepUntil(startedAt + (index * 1_000) / rate, isOver);
    if (isOver()) break;
    const one = perform(item).finally(() => running.delete(one));
    running.add(one);
    if (running.size >= MAX_CONCURRENT) await Promise.race(running);
  }
  await Promise.all(running);
}

/** An operation that is aborted does not wait for its next action. */
async function sleepUntil(time: number, isOver: () => boolean): Promise<void> {
  for (let left = time - performance.now(); left > 0 && !isOver(); left = time - performance.now())
    await sleep(Math.min(left, LOOK_EVERY_MS));
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
