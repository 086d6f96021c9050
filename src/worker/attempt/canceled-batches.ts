import type { Fact } from '#machines/facts.ts';
import { type EventLog, NO_APPENDS, type StreamName, type StreamVersion } from '#src/core/log/event-log.ts';
import { openingIdOf } from '#src/core/names/delivery-ids.ts';
import { streamOf } from '#src/core/names/ids.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { readStream } from '#src/core/stream/stream.ts';

/**
 * Which members of batches never start: those that the log accepted after the cancellation of their batch (FAN4).
 *
 * 1. The log has one order. The sequences of the request and of the cancellation decide, and not when a worker hears of the cancellation.
 * 2. A read that begins after a member was taken shows every cancellation before that member. A read that began earlier does not count.
 * 3. One read of a batch is in flight. Members that are taken meanwhile share the next one.
 * 4. A known cancellation is read no more, until the log may have gone backwards (LINK4). Batches that were not asked for lately are forgotten.
 */
export interface CanceledBatches {
  /** The function and the id name the batch (ID1). The log accepted its member at the sequence. */
  isCanceledBefore(name: FunctionName, batch: string, sequence: number): Promise<boolean>;
}

const MAX_KNOWN = 1_000;

export function createCanceledBatches(log: EventLog): CanceledBatches {
  const known = new Map<string, KnownBatch>();
  return {
    isCanceledBefore(name, batch, sequence) {
      const key = `${name} ${batch}`;
      const found = known.get(key) ?? new KnownBatch(log, { function: name, stream: streamOf(openingIdOf(name, batch)) });
      known.delete(key);
      known.set(key, found);
      const [oldest] = known.keys();
      if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
      return found.isCanceledBefore(sequence);
    },
  };
}

class KnownBatch {
  readonly #log: EventLog;
  readonly #name: StreamName;
  /** The epoch of the log in which the batch was read, and its version then. */
  #epoch: number;
  #version: StreamVersion = NO_APPENDS;
  #canceledAt: StreamVersion | undefined;
  #reading: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(log: EventLog, name: StreamName) {
    this.#log = log;
    this.#name = name;
    this.#epoch = log.epoch();
  }

  async isCanceledBefore(sequence: number): Promise<boolean> {
    if (this.#canceledAt === undefined || this.#log.epoch() !== this.#epoch) await this.#readAnew();
    return this.#canceledAt !== undefined && this.#canceledAt < sequence;
  }

  /** Resolves after a read that begins now or later. */
  #readAnew(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#reading === undefined) return this.#start();
    const start = (): Promise<void> => this.#start();
    this.#next = this.#reading.then(start, start);
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    this.#reading = this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const isKnown = this.#log.epoch() === this.#epoch;
    const newer = await this.#log.read(this.#name, isKnown ? this.#version : NO_APPENDS);
    if (isKnown && newer.length === 0) return;
    const found = await readStream(this.#log, this.#name);
    this.#epoch = found?.epoch ?? this.#log.epoch();
    this.#version = found?.state.version ?? NO_APPENDS;
    this.#canceledAt = found?.accepted.find(({ facts }) => facts.some(isCancellation))?.version;
  }
}

function isCancellation(fact: Fact): boolean {
  return fact.type === 'batch.sealed' && fact.reason === 'canceled';
}
