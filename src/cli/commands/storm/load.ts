import { setTimeout as sleep } from 'node:timers/promises';
import type { SequentClient } from '#src/client/client.ts';
import { BatchNotFoundError, FunctionNotFoundError, InvalidInputError, LogFullError } from '#src/core/errors.ts';
import type { Journal } from '#src/judge/collect.ts';
import { onBatchComplete, type StormFunctions } from './functions.ts';

const TICK_IN_MS = 100;

/** Calls `send` at a steady rate until the signal aborts. Waits for no earlier call. */
export async function steadily(perSecond: number, send: () => void, signal: AbortSignal): Promise<void> {
  for (let due = 0; !signal.aborted; await sleep(TICK_IN_MS, undefined, { signal }).catch(() => {}))
    for (due += (perSecond * TICK_IN_MS) / 1_000; due >= 1; due--) send();
}

export type LoadOptions = {
  client: Pick<SequentClient, 'invoke' | 'invokeMany' | 'batches' | 'repair' | 'clock'>;
  storm: StormFunctions;
  journal: Journal;
  perSecond: number;
  /** The first part of the ids. */
  tag: string;
};

/** The functions that single requests invoke. */
const single = ['plain', 'retried', 'refused', 'chained', 'keyed', 'ordered', 'urgent', 'rated', 'grouped', 'latest'] as const;
const TOGETHER = 4;
const BATCH_EVERY_MS = 2_000;
const MEMBERS = 12;
const REDRIVE_EVERY_MS = 1_000;
/** More requests without an answer are not sent: the cluster stands still, and the memory of this process has an end. */
const MAX_PENDING = 2_000;
const MAX_WATCHED = 100;
/** How long a client waits for an outcome that it watches. */
const WATCHED_FOR_MS = 60_000;
const MAX_DELAY_IN_MS = 3_000;
const SEALED_AGAIN_AFTER_MS = 500;

const SEVERAL_SHARE = 0.1;
const DELAYED_SHARE = 0.05;
const TWICE_SHARE = 0.1;

/** The most requests of a storm that reaches its rate: those that are sent several at a time or twice, batches and redrives are further ones. */
export function requestsOf(minutes: number, perSecond: number): number {
  const ofOne = 1 + (TOGETHER - 1) * SEVERAL_SHARE + TWICE_SHARE;
  return Math.ceil(minutes * 60 * (perSecond * ofOne + ((MEMBERS + 1) * 1_000) / BATCH_EVERY_MS + 1_000 / REDRIVE_EVERY_MS));
}

const isDone = (): boolean => true;
const isNotDone = (): boolean => false;

/** Whether an error says that nothing was stored. */
const isRefusal = (error: unknown): boolean =>
  error instanceof LogFullError || error instanceof FunctionNotFoundError || error instanceof InvalidInputError;

/** Sends requests of all kinds to the functions of a storm, and records what the clients did and saw. */
export class Load {
  readonly #options: LoadOptions;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #watched = new Set<Promise<unknown>>();
  /** Ids of requests that fail, in the order of their acknowledgements. */
  readonly #failing: string[] = [];
  /** Batches that a fault may have left open. */
  readonly #unsealed = new Set<string>();
  #count = 0;
  #acknowledged = 0;
  #lastAt = performance.now();
  #longestGapInMs = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The longest time without an acknowledgement, while requests were sent. */
  get longestGapInMs(): number {
    return this.#longestGapInMs;
  }

  /** Sends until the signal aborts. Resolves when every request has an answer or failed. */
  async send(signal: AbortSignal): Promise<void> {
    const { perSecond } = this.#options;
    this.#lastAt = performance.now();
    const every = async (ms: number, act: () => Promise<unknown>): Promise<void> => {
      // An operation that a fault prevents is tried again with the next turn, or is in the journal as unknown.
      for (; !signal.aborted; await sleep(ms, undefined, { signal }).catch(() => {})) await act().catch(() => {});
    };
    await Promise.all([
      steadily(perSecond, () => this.#sendOne(), signal),
      every(BATCH_EVERY_MS, () => this.#sendBatch()),
      every(REDRIVE_EVERY_MS, () => this.#redrive()),
    ]);
    this.#noteAnswer();
    await Promise.allSettled(this.#pending);
  }

  /** Seals the batches that a fault, or the end of the storm, left open. Gives up at the deadline, and when the signal aborts. */
  async sealAll(deadline: number, signal?: AbortSignal): Promise<void> {
    const isGivenUp = (): boolean => signal?.aborted === true || performance.now() > deadline;
    for (const id of this.#unsealed)
      while (!isGivenUp() && !(await this.#seal(id).then(isDone, isNotDone)))
        await sleep(SEALED_AGAIN_AFTER_MS, undefined, { signal }).catch(() => {});
  }

  /** Waits for the outcomes that clients watch. */
  async watchEnds(): Promise<void> {
    await Promise.allSettled(this.#watched);
  }

  #sendOne(): void {
    if (this.#pending.size >= MAX_PENDING) return;
    const { client, storm, tag } = this.#options;
    const kind = single[Math.floor(Math.random() * single.length)] ?? 'plain';
    const fn = storm.of(kind);
    const event = this.#eventFor(kind);
    const id = `${tag}-${this.#count}`;
    const priority = Math.floor(Math.random() * 10);
    const draw = Math.random();
    if (draw < SEVERAL_SHARE) {
      const events = Array.from({ length: TOGETHER }, () => event);
      return this.#track(fn, undefined, async () => (await client.invokeMany(fn, events, { priority })).map(({ requestId }) => requestId));
    }
    const isDelayed = draw < SEVERAL_SHARE + DELAYED_SHARE;
    const at = isDelayed ? Math.ceil(client.clock.now() + Math.random() * MAX_DELAY_IN_MS) : undefined;
    const isWatched = kind === 'plain' && this.#watched.size < MAX_WATCHED;
    const send = async (): Promise<readonly string[]> => {
      const invoked = await client.invoke(fn, event, { id, priority, at });
      if (kind === 'refused') this.#failing.push(id);
      if (isWatched) this.#watch(fn, id, () => invoked.result({ timeoutInMs: WATCHED_FOR_MS }));
      return [invoked.requestId];
    };
    const isTwice = draw > 1 - TWICE_SHARE;
    const known = { ids: [id], ...(at === undefined ? {} : { notBefore: at }) };
    this.#track(fn, known, send, !isTwice);
    // A client that got no answer sends its request again with the same id. That one is refused says nothing about the other one.
    if (isTwice) this.#track(fn, known, send, false);
  }

  #eventFor(kind: (typeof single)[number]): object {
    const number = this.#count++;
    const fails = kind === 'refused' ? 'always' : kind === 'retried' && number % 3 === 0 ? 'once' : 'never';
    return { number, fails, key: `key-${Math.floor(Math.random() * 10)}`, takesMs: Math.floor(Math.random() * 20) };
  }

  #track(fn: string, known: Known | undefined, send: () => Promise<readonly string[]>, isAlone = true): void {
    const { journal } = this.#options;
    const recording = { seen: (ids: readonly string[]) => ({ ids }), isRefusal: (error: unknown) => isAlone && isRefusal(error) };
    const tracked: Promise<unknown> = journal
      .record('submit', { function: fn, ...known }, send, recording)
      .then(
        (ids) => this.#noteAnswer(ids.length),
        () => {},
      )
      .finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }

  #noteAnswer(count = 0): void {
    const now = performance.now();
    this.#longestGapInMs = Math.max(this.#longestGapInMs, now - this.#lastAt);
    this.#lastAt = now;
    this.#acknowledged += count;
  }

  #watch(fn: string, id: string, result: () => Promise<{ outcome: 'succeeded' | 'failed'; payload: string }>): void {
    const { journal } = this.#options;
    const seen = ({ outcome, payload }: Awaited<ReturnType<typeof result>>) =>
      outcome === 'succeeded' ? { outcome, payload } : { outcome };
    const watched: Promise<unknown> = journal
      .record('result', { function: fn, ids: [id] }, result, { seen })
      .catch(() => {})
      .finally(() => this.#watched.delete(watched));
    this.#watched.add(watched);
  }

  async #sendBatch(): Promise<void> {
    const { client, storm, tag } = this.#options;
    const fn = storm.of('member');
    const id = `${tag}-batch-${this.#count++}`;
    this.#unsealed.add(id);
    await client.batches.open({ function: fn, id, onComplete: onBatchComplete(storm) });
    for (let number = 0; number < MEMBERS; number++) {
      const own = `${id}-${number}`;
      this.#track(fn, { ids: [own] }, async () => [(await client.invoke(fn, { number }, { id: own, batch: id })).requestId]);
    }
    await Promise.allSettled(this.#pending);
    await this.#seal(id);
  }

  async #seal(id: string): Promise<void> {
    const { client, storm } = this.#options;
    await client.batches.seal({ function: storm.of('member'), id }).catch((error: unknown) => {
      if (!(error instanceof BatchNotFoundError)) throw error;
    });
    this.#unsealed.delete(id);
  }

  async #redrive(): Promise<void> {
    const { client, storm } = this.#options;
    const id = this.#failing.shift();
    if (id !== undefined) await client.repair.redrive(id, { function: storm.of('refused') });
  }
}

/** The ids of a request that its client chose, and the time before which it must not start. */
type Known = { ids: readonly string[]; notBefore?: number };
