import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress } from 'node:zlib';
import type { Erasure } from '#src/core/log/erasure.ts';
import { type ErasureRecord, erasureKey, parseErasureRecord } from '#src/core/log/erasure-request.ts';
import type { JanitorOptions } from './janitor-options.ts';
import { folderOf, nameOf, parseHead, reencodeSegment } from './segment.ts';
import { type Survey, survey } from './survey.ts';
import { createWholeLog } from './whole-log.ts';

/*
 * Erases what was asked for: first it is said in the log, then in the archive and in the log it is done; read models do it where
 * they read it in the log.
 *
 * Killed at any point it is gone on with from the record in the state store: what is erased is written down, message by message,
 * before the first is, because afterwards nobody could tell any more what belongs together.
 */

type Erasing = {
  signal: AbortSignal;
  /** Archives up to a sequence whatever the retention says; resolves to how far it is archived. */
  archiveUpTo: (sequence: number) => Promise<number>;
};

export async function performErasures(options: JanitorOptions, erasing: Erasing): Promise<void> {
  const { state } = options;
  for (const key of await state.keys()) {
    if (!key.startsWith(erasureKey(''))) continue;
    const entry = await state.get(key);
    const record = parseErasureRecord(entry?.value);
    if (record === undefined || record.state === 'done') continue;
    await perform(key.slice(erasureKey('').length), record, options, erasing);
  }
}

async function perform(id: string, asked: ErasureRecord, options: JanitorOptions, { signal, archiveUpTo }: Erasing): Promise<void> {
  const { state, archive, log, logger } = options;
  const whole = createWholeLog(log, archive);
  const planName = `${folderOf((await log.state()).created)}erasure-${id}.plan`;
  let record = asked;
  const keep = async (change: Partial<ErasureRecord>): Promise<void> => {
    record = { ...record, ...change };
    await state.put(erasureKey(id), JSON.stringify(record));
  };
  if (record.state === 'asked') {
    const found = await survey(whole, { ...record.request, signal });
    const { invocations, messages, until } = found;
    if (record.request.isTrial || invocations === 0) return await keep({ state: 'done', found: { invocations, messages, until } });
    const sequence = await options.purge.appendErasure(eventOf(id, record, { invocations, messages, until }));
    await keep({ state: 'written', found: { invocations, messages, until }, sequence });
  }
  const { until = 0 } = record.found ?? {};
  if (record.state === 'written') {
    // Somebody behind the log has not read them yet: later.
    if ((await archiveUpTo(until)) < until) return;
    const plan = await survey(whole, { ...record.request, signal, until, to: record.sequence ?? 0 });
    if (signal.aborted) return;
    await archive.store.replace(planName, await packed(plan));
    await keep({ state: 'planned' });
  }
  const plan = await unpacked(await archive.store.get(planName));
  const segments = await rewriteSegments(id, plan, options);
  const hints = await options.purge.hintsOf(record.request.function, until);
  const { first } = await log.state();
  const left = [...plan.sequences, ...hints].filter((sequence) => sequence >= first).sort((one, other) => one - other);
  await options.purge.remove(left, { overwrite: true });
  const requests = new Set(plan.requests);
  const results = await options.purge.removeResults(record.request.function, (request) => requests.has(request));
  await archive.store.replace(planName, await packed({ sequences: [], requests: [] }));
  await keep({ state: 'done', erased: { messages: plan.sequences.length, segments, results } });
  logger.warn(
    { erasure: id, function: record.request.function, messages: plan.sequences.length, segments, results },
    'erased what was asked for',
  );
}

function eventOf(id: string, { request }: ErasureRecord, found: { invocations: number; messages: number; until: number }): Erasure {
  const { function: fn, before, by, at, reason } = request;
  return { v: 1, id, scope: 'everywhere', function: fn, before, by, at, ...found, ...(reason === undefined ? {} : { reason }) };
}

type Plan = Pick<Survey, 'sequences' | 'requests'>;

/** Puts a mark in the place of every erased message. A segment that has them all already is left alone. */
async function rewriteSegments(id: string, { sequences }: Plan, { archive, log }: JanitorOptions): Promise<number> {
  const erased = new Set(sequences);
  const [least = 0, most = -1] = [sequences[0], sequences.at(-1)];
  let rewritten = 0;
  for (const segment of await archive.segments((await log.state()).created)) {
    if (segment.last < least || segment.first > most) continue;
    let changed = 0;
    const lines = (await archive.lines(segment)).map((line) => {
      const { sequence, at, isHint } = parseHead(line);
      if (isHint || !erased.has(sequence) || isMark(line)) return line;
      changed++;
      return JSON.stringify([sequence, at, id]);
    });
    if (changed === 0) continue;
    const marks = lines.filter(isMark).length;
    const { segment: next, bytes } = await reencodeSegment(await archive.describe(segment), lines, marks, id);
    await archive.store.replace(nameOf(next), bytes);
    await archive.lines(next);
    rewritten++;
  }
  return rewritten;
}

function isMark(line: string): boolean {
  return /^\[\d+,\d+,"[A-Za-z0-9_-]+"\]$/.test(line);
}

const pack = promisify(brotliCompress);
const unpack = promisify(brotliDecompress);

async function packed(plan: Plan): Promise<Buffer> {
  return await pack(Buffer.from(JSON.stringify({ sequences: plan.sequences, requests: plan.requests })));
}

async function unpacked(bytes: Buffer | undefined): Promise<Plan> {
  if (bytes === undefined) throw new Error('the plan of an erasure is gone');
  return JSON.parse((await unpack(bytes)).toString()) as Plan;
}

/** Has read models forget what was finished long ago: said in the log, a twenty-fourth of the time at once, so that all forget the same. */
export async function limitHistory({ historyRetentionInMs, clock, state, purge, log, archive, name }: JanitorOptions): Promise<void> {
  if (historyRetentionInMs === undefined) return;
  const before = clock.now() - historyRetentionInMs;
  const last = Number((await state.get(HISTORY_KEY))?.value ?? 0);
  const first = last === 0 ? ((await createWholeLog(log, archive).firstFrom(1))?.at ?? before) : last;
  if (before - first < historyRetentionInMs / 24) return;
  const until = (await log.state()).last;
  const id = `history-${Math.floor(before)}`;
  await purge.appendErasure({ v: 1, id, scope: 'read-models', before, until, by: name, at: clock.now(), invocations: 0, messages: 0 });
  await state.put(HISTORY_KEY, String(before));
}

const HISTORY_KEY = 'janitor.history';
