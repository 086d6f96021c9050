import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { stateOf } from '#src/analysis/history.ts';
import { createHistoryCollector } from '#src/analysis/history-collector.ts';
import { Verifier } from '#src/analysis/verify/verify.ts';
import { addAppend, addRequest, createArchivedStream } from '#src/archive/retention/archived-stream.ts';
import { headAfter } from '#src/core/log/chain.ts';
import type { EventLog, FullLogEntry, RecordedAppend, StreamName } from '#src/core/log/event-log.ts';
import { catchUp, loadStream } from '#src/core/stream/stream.ts';
import { refold } from '#src/projection/fold/folded-stream.ts';
import { failed, running, succeeded } from '#test/support/log/facts.ts';
import { createWrittenLog } from '#test/support/projection/written-log.ts';

/**
 * A message of one stream: a request, or an append that names a request and links to a message, both by index among the earlier ones. `next`:
 * the append names the message that follows it, which may be a request.
 */
type Step = { request: true } | { garbage: true } | AppendStep;
type AppendStep = { names: number | 'missing' | 'next'; linksTo: number | 'head' | 'none'; fact: Fact };

const fact = fc.constantFrom<Fact>(running(1), running(2, { worker: 'w2' }), succeeded(1), succeeded(2), failed(1));
const step = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Step>({ request: true }) },
  { weight: 1, arbitrary: fc.constant<Step>({ garbage: true }) },
  {
    weight: 8,
    arbitrary: fc.record({
      names: fc.oneof(
        { weight: 4, arbitrary: fc.nat(2) },
        { weight: 1, arbitrary: fc.constantFrom<'missing' | 'next'>('missing', 'next') },
      ),
      linksTo: fc.oneof(
        { weight: 4, arbitrary: fc.constant<'head'>('head') },
        { weight: 1, arbitrary: fc.constant<'none'>('none') },
        fc.nat(9),
      ),
      fact,
    }) as fc.Arbitrary<Step>,
  },
);

const name = { function: 'orders', stream: 'order-1' } as unknown as StreamName;

/** The log holds no message with this sequence. */
const MISSING = 900_000;

/** Writes the steps as a log, and links each append as its step says. */
class ChainWriter {
  readonly #log = createWrittenLog();
  readonly #requests: number[] = [];
  readonly #hashes: string[] = [];
  #head: string | undefined;

  get entries(): FullLogEntry[] {
    return this.#log.entries.map(({ sequence }) => this.#log.content(sequence));
  }

  add(one: Step): void {
    if ('request' in one) this.#addRequest();
    else if ('garbage' in one) this.#log.message('invocation.orders.order-1', 'not JSON');
    else this.#addAppend(one);
  }

  #addRequest(): void {
    const sequence = this.#log.request('orders', 'order-1', `${this.#requests.length}`);
    this.#requests.push(sequence);
    this.#hashes.push(this.#log.decodedRequest(sequence)?.hash ?? '');
  }

  #addAppend({ names, linksTo, fact: only }: AppendStep): void {
    const request = typeof names === 'number' ? (this.#requests[names % this.#requests.length] ?? 0) : this.#sequenceOf(names);
    const present = this.#head ?? this.#log.decodedRequest(request)?.hash ?? '';
    const index = typeof linksTo === 'number' ? linksTo % this.#hashes.length : -1;
    const link = linksTo === 'none' ? undefined : linksTo === 'head' ? present : this.#hashes[index];
    const content = this.#log.content(this.#log.appendLinked({ fn: 'orders', id: 'order-1', request }, [only], link));
    if (content.kind !== 'append') throw new Error('no append');
    this.#hashes.push(content.append.hash);
    this.#head = headAfter(present, content.append) ?? this.#head;
  }

  #sequenceOf(names: 'missing' | 'next'): number {
    return names === 'missing' ? MISSING : this.#log.entries.length + 2;
  }
}

function write(steps: readonly Step[]): FullLogEntry[] {
  const writer = new ChainWriter();
  for (const one of [{ request: true } as const, ...steps]) writer.add(one);
  return writer.entries;
}

const briefly = ({ value, context }: Pick<Invocation, 'value' | 'context'>) => ({
  value,
  attempts: context.attempts,
  outcome: context.outcome?.type ?? null,
  payloadOf: context.request?.at,
});

function appendsOf(entries: readonly FullLogEntry[]): RecordedAppend[] {
  return entries.flatMap((entry) => {
    if (entry.kind === 'append') return [entry.append];
    if (entry.kind !== 'unreadable') return [];
    return [{ id: '', previous: 0, request: 0, by: '', facts: [], version: entry.sequence, hash: '' } as unknown as RecordedAppend];
  });
}

/** A log with the two reads that the writer needs. The read of the stream returns `appends`. */
function logOf(entries: readonly FullLogEntry[], appends = appendsOf(entries)): EventLog {
  return {
    epoch: () => 0,
    read: async () => appends,
    readRequest: async (sequence: number) => {
      const found = entries.find((entry) => entry.sequence === sequence);
      return found?.kind === 'request' ? found.message : undefined;
    },
  } as unknown as EventLog;
}

async function asWriter(entries: readonly FullLogEntry[]): Promise<unknown> {
  const state = await loadStream(logOf(entries), name, entries[0]?.sequence);
  return briefly(state?.invocations.get('order-1') as Invocation);
}

/** A writer that reads the appends one by one, as it does when other processes append. */
async function asFollowingWriter(entries: readonly FullLogEntry[]): Promise<unknown> {
  const appends = appendsOf(entries);
  let state = await loadStream(logOf(entries, []), name, entries[0]?.sequence);
  if (state === undefined) throw new Error('no request');
  for (const [index, append] of appends.entries()) state = await catchUp(logOf(entries, appends.slice(0, index + 1)), state, [append]);
  return briefly(state.invocations.get('order-1') as Invocation);
}

function asProjection(entries: readonly FullLogEntry[]): unknown {
  const requestSequence = entries[0]?.sequence ?? 0;
  return briefly(refold({ requestSequence, entries }).invocations.get('order-1')?.snapshot as Invocation);
}

function asArchive(entries: readonly FullLogEntry[]): unknown {
  const [first, ...rest] = entries;
  if (first?.kind !== 'request') throw new Error('no request');
  const stream = createArchivedStream(first);
  for (const entry of rest) {
    if (entry.kind === 'request') addRequest(stream, entry);
    else if (entry.kind === 'append') addAppend(stream, entry);
  }
  return briefly(stream.invocations.get('order-1') as Invocation);
}

function asWhatIf(entries: readonly FullLogEntry[]): unknown {
  const found: unknown[] = [];
  const collector = createHistoryCollector((history) => found.push(briefly(stateOf(history))));
  for (const entry of entries) collector.read(entry);
  collector.finish();
  return found[0];
}

function refusedByVerify(entries: readonly FullLogEntry[]): number[] {
  const verifier = new Verifier();
  for (const entry of entries) verifier.read(entry);
  return verifier.finish().findings.flatMap(({ kind, sequence }) => (kind === 'wrong-link' ? [sequence] : []));
}

/** Returns the state that all readers agree on. */
async function expectAgreement(steps: readonly Step[], purged = 0): Promise<unknown> {
  const entries = write(steps).slice(purged);
  const state = await asWriter(entries);
  expect(await asFollowingWriter(entries)).toEqual(state);
  expect(asProjection(entries)).toEqual(state);
  expect(asArchive(entries)).toEqual(state);
  expect(asWhatIf(entries)).toEqual(state);
  const refused = new Set(refusedByVerify(entries));
  expect(asProjection(entries.filter(({ sequence }) => !refused.has(sequence)))).toEqual(state);
  return state;
}

/** The indexes of the two requests, and of their hashes. */
const FIRST = 0;
const SECOND = 1;

describe('the readers of a chain', () => {
  test('refuse the same appends, whatever these link to and whichever request they name (LINK2 to LINK5)', async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      await expectAgreement(steps);
    });
    await fc.assert(property, { numRuns: 200 });
  });

  test('let a later request start the stream, when the request that the appends name was purged (LINK5)', async () => {
    const steps: Step[] = [
      { request: true },
      { names: FIRST, linksTo: FIRST, fact: running(1) },
      { names: FIRST, linksTo: 'head', fact: succeeded(1) },
    ];
    expect(await expectAgreement(steps)).toMatchObject({ value: 'succeeded' });
    expect(await expectAgreement(steps, 1)).toMatchObject({ value: 'queued', attempts: 0 });
  });

  test('refuse an append of an earlier version that names a missing request, and count the next one (LINK5)', async () => {
    const missing: Step = { names: 'missing', linksTo: 'none', fact: running(1, { worker: 'w2' }) };
    expect(await expectAgreement([missing])).toMatchObject({ value: 'queued' });
    const state = await expectAgreement([missing, { names: FIRST, linksTo: FIRST, fact: running(1) }]);
    expect(state).toMatchObject({ value: 'running', attempts: 1 });
  });

  test('refuse an append without a link, when a request gets the sequence that it names later (LINK5)', async () => {
    const state = await expectAgreement([{ names: 'next', linksTo: 'none', fact: running(1) }, { request: true }]);
    expect(state).toMatchObject({ value: 'queued', attempts: 0 });
  });

  test('refuse an append that names a later request, and links to the first one (LINK2)', async () => {
    const state = await expectAgreement([{ request: true }, { names: SECOND, linksTo: FIRST, fact: running(1) }]);
    expect(state).toMatchObject({ value: 'queued', attempts: 0 });
  });

  test('refuse an append that links to a later owner, and names another request (LINK2)', async () => {
    const state = await expectAgreement([
      { request: true },
      { names: FIRST, linksTo: SECOND, fact: running(1) },
      { names: SECOND, linksTo: 'none', fact: running(1, { worker: 'w2' }) },
      { names: FIRST, linksTo: 'head', fact: failed(1) },
    ]);
    expect(state).toMatchObject({ value: 'failed', attempts: 1, payloadOf: 1_000 });
  });
});
