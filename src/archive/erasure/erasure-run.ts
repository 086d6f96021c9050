import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress } from 'node:zlib';
import { digestOf } from '#src/archive/heads/digest.ts';
import type { JanitorOptions } from '#src/archive/janitor-options.ts';
import { createReaderPositions } from '#src/archive/retention/reader-positions.ts';
import { leafOf, parseMark } from '#src/archive/segments/merkle.ts';
import { folderOf, markLineOf, nameOf, parseHead, reencodeSegment, undecodedEntryOf } from '#src/archive/segments/segment.ts';
import { createWholeLog } from '#src/archive/segments/whole-log.ts';
import { ConflictError } from '#src/core/errors.ts';
import { fallback } from '#src/core/fallback.ts';
import { encodeSequences, MAX_NAMED_SEQUENCES } from '#src/core/log/erased-sequences.ts';
import type { Erasure } from '#src/core/log/erasure.ts';
import { type ErasureRecord, erasureKey, parseErasureRecord } from '#src/core/log/erasure-request.ts';
import { type Survey, survey } from './survey.ts';

/*
 * Performs the erasures that users requested. A record in the state store keeps the progress, so that the next janitor continues
 * after a kill at any point:
 *
 * 1. asked → written: the erasure is appended to the log. Read models perform it when they read it there. Before the append, the record says that
 *    no abort is possible any more: the revision of the record decides between the janitor and an abort.
 * 2. written → planned: every live projection has performed the erasure, the sequences of all erased messages are stored and appended to the
 *    log (J9), and the log is archived up to these records. They are stored before the first message is erased, because afterwards the streams
 *    cannot be reconstructed.
 * 3. planned → done: the archive, the log, the results and the large payloads are erased. Repeating this step erases the same messages.
 *
 * The janitor purges nothing while an erasure is unfinished, because a purge removes messages without overwriting them (J5).
 */

type ErasureRunOptions = {
  signal: AbortSignal;
  /** Archives up to a sequence, regardless of the retention. Resolves to the sequence up to which the log is archived. */
  archiveUpTo: (sequence: number) => Promise<number>;
};

/** Resolves to true when no erasure is unfinished. */
export async function performErasures(options: JanitorOptions, run: ErasureRunOptions): Promise<boolean> {
  const { state } = options;
  let isAllDone = true;
  for (const key of await state.keys()) {
    if (!key.startsWith(erasureKey(''))) continue;
    const entry = await state.get(key);
    const record = parseErasureRecord(entry?.value);
    if (entry === undefined || record === undefined || record.state === 'done' || record.state === 'aborted') continue;
    const isDone = await new ErasureRun(options, run, { id: key.slice(erasureKey('').length), record, revision: entry.revision }).run();
    isAllDone &&= isDone;
  }
  return isAllDone;
}

class ErasureRun {
  readonly #options: JanitorOptions;
  readonly #run: ErasureRunOptions;
  readonly #id: string;
  #record: ErasureRecord;
  #revision: number;

  constructor(
    options: JanitorOptions,
    run: ErasureRunOptions,
    { id, record, revision }: { id: string; record: ErasureRecord; revision: number },
  ) {
    this.#options = options;
    this.#run = run;
    this.#id = id;
    this.#record = record;
    this.#revision = revision;
  }

  /** Resolves to true when the erasure is done. */
  async run(): Promise<boolean> {
    if (this.#record.state === 'asked') await this.#write();
    if (this.#record.state === 'written') await this.#plan();
    if (this.#record.state === 'planned') await this.#erase();
    return this.#record.state === 'done';
  }

  /** Appends the erasure to the log. A trial, or an erasure of nothing, ends here. */
  async #write(): Promise<void> {
    const { request } = this.#record;
    const { invocations, messages, until } = await survey(this.#wholeLog(), { ...request, signal: this.#run.signal });
    const found = { invocations, messages, until };
    if (!(await this.#decide())) return;
    if (request.isTrial || invocations === 0) return await this.#save({ state: 'done', found });
    const sequence = await this.#options.purge.appendErasure(erasureOf(this.#id, this.#record, found));
    await this.#save({ state: 'written', found, sequence });
  }

  /** Resolves to false when the erasure was aborted. */
  async #decide(): Promise<boolean> {
    return await this.#save({ isDecided: true }).then(() => true, fallback(false, ConflictError));
  }

  async #plan(): Promise<void> {
    const { request, sequence = 0 } = this.#record;
    const { signal, archiveUpTo } = this.#run;
    const until = this.#until();
    // A projection that is behind blocks the erasure. A later round continues.
    if ((await createReaderPositions(this.#options).projected()) < sequence) return;
    if ((await archiveUpTo(sequence)) < sequence) return;
    const plan = await survey(this.#wholeLog(), { ...request, signal, until, to: sequence });
    if (signal.aborted) return;
    const named = await this.#nameMessages(plan.sequences);
    // The archive then holds the records of the erasure, too, and explains its marks without the log.
    if ((await archiveUpTo(named)) < named) return;
    await this.#storePlan(plan);
    await this.#save({ state: 'planned' });
  }

  /** Appends the records that name the erased messages (J9). Returns the sequence of the last record. */
  async #nameMessages(sequences: readonly number[]): Promise<number> {
    const { found = { invocations: 0, messages: 0, until: 0 }, sequence = 0 } = this.#record;
    const erasure = erasureOf(this.#id, this.#record, found);
    let last = sequence;
    for (let part = 0; part * MAX_NAMED_SEQUENCES < sequences.length; part++) {
      const named = encodeSequences(sequences.slice(part * MAX_NAMED_SEQUENCES, (part + 1) * MAX_NAMED_SEQUENCES));
      last = await this.#options.purge.appendErasure({ ...erasure, sequences: named }, part + 1);
    }
    return last;
  }

  async #erase(): Promise<void> {
    const { log, purge, archive, logger } = this.#options;
    const { function: fn } = this.#record.request;
    const plan = await decodePlan(await archive.store.get(await this.#planName()));
    const segments = await rewriteSegments(this.#options, { erasure: this.#id, sequences: plan.sequences });
    const requests = new Set(plan.requests);
    // A sweep removes the payloads of invocations that the log no longer has, without overwriting them.
    await this.#options.payloads.erase(fn, requests);
    const hints = await purge.hintsOf(fn, this.#until());
    const { first } = await log.state();
    const inLog = [...plan.sequences, ...hints].filter((sequence) => sequence >= first).sort((one, other) => one - other);
    await purge.remove(inLog, { overwrite: true });
    const results = await purge.removeResults(fn, (request) => requests.has(request));
    // The plan names request ids, so the plan itself is emptied.
    await this.#storePlan({ sequences: [], requests: [] });
    const erased = { messages: plan.sequences.length, segments, results };
    await this.#save({ state: 'done', erased });
    logger.warn({ erasure: this.#id, function: fn, ...erased }, 'performed a requested erasure');
  }

  #until(): number {
    return this.#record.found?.until ?? 0;
  }

  #wholeLog() {
    return createWholeLog(this.#options.log, this.#options.archive);
  }

  async #planName(): Promise<string> {
    return `${folderOf((await this.#options.log.state()).created)}erasure-${this.#id}.plan`;
  }

  async #storePlan(plan: ErasurePlan): Promise<void> {
    await this.#options.archive.store.replace(await this.#planName(), await encodePlan(plan));
  }

  /** Throws `ConflictError` when the record changed meanwhile, as by an abort. */
  async #save(change: Partial<ErasureRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    this.#revision = await this.#options.state.put(erasureKey(this.#id), JSON.stringify(this.#record), this.#revision);
  }
}

function erasureOf(id: string, { request }: ErasureRecord, found: { invocations: number; messages: number; until: number }): Erasure {
  const { function: fn, before, by, at, reason, only } = request;
  return {
    v: 1,
    id,
    scope: 'everywhere',
    function: fn,
    before,
    by,
    at,
    ...found,
    ...(reason === undefined ? {} : { reason }),
    ...(only === undefined ? {} : { only }),
  };
}

/** The messages and the requests that an erasure removes. */
type ErasurePlan = Pick<Survey, 'sequences' | 'requests'>;

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

async function encodePlan({ sequences, requests }: ErasurePlan): Promise<Buffer> {
  return await compress(Buffer.from(JSON.stringify({ sequences, requests })));
}

async function decodePlan(bytes: Buffer | undefined): Promise<ErasurePlan> {
  if (bytes === undefined) throw new Error('the archive lacks the plan of an erasure that was planned');
  return JSON.parse((await decompress(bytes)).toString()) as ErasurePlan;
}

type Rewrite = { erasure: string; sequences: readonly number[] };

/**
 * Replaces every erased message in the archive by a mark, which keeps the leaf of its line (J4) and its digest (HEAD1). A segment that holds all its marks already is not written.
 *
 * Returns the number of segments that were written.
 */
async function rewriteSegments({ archive, log }: JanitorOptions, { erasure, sequences }: Rewrite): Promise<number> {
  const erased = new Set(sequences);
  const [min = 0, max = -1] = [sequences[0], sequences.at(-1)];
  let rewritten = 0;
  for (const segment of await archive.segments((await log.state()).created)) {
    if (segment.last < min || segment.first > max) continue;
    let changed = 0;
    const lines = (await archive.lines(segment)).map((line) => {
      const { sequence, at, isHint } = parseHead(line);
      if (isHint || !erased.has(sequence) || parseMark(line) !== undefined) return line;
      changed++;
      const kept = { leaf: leafOf(line), digest: digestOf(undecodedEntryOf(line)) };
      return JSON.stringify(markLineOf({ sequence, at }, erasure, kept));
    });
    if (changed === 0) continue;
    const marks = lines.filter((line) => parseMark(line) !== undefined).length;
    const { segment: next, bytes } = await reencodeSegment(await archive.describe(segment), { lines, erased: marks, erasure });
    await archive.store.replace(nameOf(next), bytes);
    // Reading back verifies the written segment.
    await archive.lines(next);
    rewritten++;
  }
  return rewritten;
}
