import { UnknownOutcomeError } from '#src/core/errors.ts';
import type { EventLog, NewRequest } from '#src/core/log/event-log.ts';
import { createStreamId, idAt, MAX_BATCH, streamOf } from '#src/core/names/ids.ts';
import type { FunctionName, RequestId } from '#src/core/names/names.ts';
import type { Clock, Random } from '#src/core/ports/clock.ts';

export type RequestBatchesOptions = {
  log: Pick<EventLog, 'accept' | 'maxAppendBytes'>;
  clock: Clock;
  random: Random;
  /** The maximum number of requests in one message. A batch must not exceed the concurrency of its function. */
  maxBatch: (name: FunctionName) => number;
};

/** A request that waits for its message. `bytes` is the size of its payload. With `id`, the request keeps this id if it is alone. */
export type Batched = { request: NewRequest; bytes: number; id?: RequestId | undefined };

type Waiting = Batched & { resolve: (id: RequestId) => void; reject: (reason: unknown) => void };
type Lane = { waiting: Waiting[]; isSending: boolean };

/** The limit of the payloads in one batch. Even if escaping doubles their size, the batch fits a message of 1 MB. */
const MAX_BATCH_BYTES = 480 * 1_024;

/** Sends requests of one function in shared messages. Each request gets an id of its message. */
export class RequestBatches {
  readonly #options: RequestBatchesOptions;
  readonly #lanes = new Map<string, Lane>();
  /** The requests of this turn that are sent together. */
  readonly #gathered = new Map<string, Waiting[]>();

  constructor(options: RequestBatchesOptions) {
    this.#options = options;
  }

  /** Group commit: the requests that arrive while a message of the function waits for its answer share the next one. */
  send(name: FunctionName, batched: Batched): Promise<RequestId> {
    const key = keyOf(name, batched);
    const lane = this.#lanes.get(key) ?? { waiting: [], isSending: false };
    this.#lanes.set(key, lane);
    return new Promise((resolve, reject) => {
      lane.waiting.push(waitingOf(batched, resolve, reject));
      if (lane.isSending) return;
      lane.isSending = true;
      void this.#drain(name, lane).then(() => {
        // Due times and batches are many, and functions are few.
        if (key !== name && !lane.isSending) this.#lanes.delete(key);
      });
    });
  }

  /** The requests of this turn of the event loop share messages, and wait for no earlier answer. */
  sendTogether(name: FunctionName, batched: Batched): Promise<RequestId> {
    const key = keyOf(name, batched);
    const waiting = this.#gathered.get(key) ?? [];
    return new Promise((resolve, reject) => {
      waiting.push(waitingOf(batched, resolve, reject));
      if (waiting.length > 1) return;
      this.#gathered.set(key, waiting);
      void this.#sendGathered(name, key, waiting);
    });
  }

  async #drain(name: FunctionName, lane: Lane): Promise<void> {
    // Wait for the other requests of this turn.
    await null;
    while (lane.waiting.length > 0) await this.#sendBatch(name, this.#takeBatch(name, lane.waiting));
    lane.isSending = false;
  }

  async #sendGathered(name: FunctionName, key: string, waiting: Waiting[]): Promise<void> {
    await null;
    this.#gathered.delete(key);
    while (waiting.length > 0) {
      const batch = this.#takeBatch(name, waiting);
      const [first] = batch;
      // Another message may repeat one of several requests (KEY1).
      if (first !== undefined && batch.length > 1) first.request.once = true;
      void this.#sendBatch(name, batch);
    }
  }

  async #sendBatch(name: FunctionName, batch: readonly Waiting[]): Promise<void> {
    const { log, clock, random } = this.#options;
    const [first] = batch;
    const own = batch.length === 1 ? first?.id : undefined;
    const stream = own === undefined ? createStreamId(clock.now(), random.bytes(8)) : streamOf(own);
    if (own !== undefined && first !== undefined) first.request.id = own;
    const idOf = (index: number): RequestId => own ?? idAt(stream, index);
    const requests = batch.map(({ request }) => request);
    try {
      await log.accept({ function: name, stream }, requests);
      for (const [index, { resolve }] of batch.entries()) resolve(idOf(index));
    } catch (error) {
      for (const [index, { reject }] of batch.entries()) reject(errorOf(error, idOf(index)));
    }
  }

  /** Takes the first requests that fit into one message. */
  #takeBatch(name: FunctionName, waiting: Waiting[]): Waiting[] {
    const max = Math.min(MAX_BATCH, this.#options.maxBatch(name));
    const maxBytes = Math.min(MAX_BATCH_BYTES, this.#options.log.maxAppendBytes / 2);
    let bytes = 0;
    let count = 0;
    for (const entry of waiting) {
      bytes += entry.bytes;
      if (count === max || (count > 0 && bytes > maxBytes)) break;
      count++;
    }
    return waiting.splice(0, count);
  }
}

/** The fields are named, because V8 copies the fields of an object slowly. */
function waitingOf({ request, bytes, id }: Batched, resolve: Waiting['resolve'], reject: Waiting['reject']): Waiting {
  return { request, bytes, id, resolve, reject };
}

/** Requests share a message if they are due at one time, and members of one batch. */
function keyOf(name: FunctionName, { request: { deliverAt, batch } }: Batched): string {
  return deliverAt === undefined && batch === undefined ? name : `${name} ${deliverAt ?? ''} ${batch ?? ''}`;
}

/** The error of a caller names the id of that caller's request. */
function errorOf(error: unknown, id: RequestId): unknown {
  if (!(error instanceof UnknownOutcomeError)) return error;
  return new UnknownOutcomeError({ id, waitedInMs: error.waitedInMs }, { cause: error });
}
