import { readTimeline, type Timeline } from '#src/client/history/invocations.ts';
import { createRequests, encodePayload } from '#src/client/invoke/requests.ts';
import { type Result, readEnvelope, toResult } from '#src/client/invoke/results.ts';
import { type Cancel, createCancel } from '#src/client/repair/cancel.ts';
import { createRepair, type Repair } from '#src/client/repair/repair.ts';
import type { TypedFunction } from '#src/client/worker/define-function.ts';
import { checkEvent } from '#src/client/worker/handlers.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { DeliveryRequest } from '#src/core/ports/destination-target.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';
import { type AnyFunction, startTestSystem } from './test-system.ts';
import type { Deliver } from './user-code.ts';
import { createVirtualClock } from './virtual-clock.ts';
import { createVirtualTime } from './virtual-time.ts';

/** What a Sequent of a test runs, and how the world outside of it answers. */
export type TestSequentOptions = {
  /** The functions. Their handlers run in this process. */
  functions: readonly AnyFunction[];
  /** The time at the start: a date, or milliseconds since the epoch; 2026-01-01 by default. */
  startAt?: Date | number;
  /** The answer of a destination outside of Sequent (HTTP, OBS, SMN, DIS, NATS); `{ kind: 'delivered' }` by default. */
  deliver?: Deliver;
  /** How long, in real milliseconds, a handler may wait for something real before time moves without it; 100 by default. */
  graceInMs?: number;
};

/** How a request of a test is made; the fields are those of `InvokeOptions` of the client. */
export type TestInvokeOptions = {
  /** The idempotency key: a second request with this id starts nothing. */
  id?: string;
  /** A version or `!alias`; `latest` by default. */
  qualifier?: string;
  /** The W3C Trace Context of the request. */
  traceparent?: string;
  /** The caller waits for the outcome of the first attempt: nothing is retried, and no destination receives the outcome. */
  synchronous?: true;
  /** When the first attempt is due, by the virtual clock: a text with its zone, or milliseconds since the epoch. */
  at?: Date | number | string;
  /** Instead of `at`: the delay from the acceptance on, in milliseconds or as a text such as `10m`. */
  delay?: number | string;
};

/** An accepted invocation of a test. */
export type TestInvoked<Output = unknown> = {
  /** The id of the invocation. */
  requestId: string;
  /** Moves the time until the invocation has an outcome. Throws after 30 days of virtual time without one. */
  result(): Promise<Result<Output>>;
};

/**
 * Sequent in one process, with a log in memory and virtual time. The worker, the scheduler, the destinations and the machines are the real
 * ones. Time stands still until the test moves it, and then moves from one due moment to the next.
 */
export interface TestSequent extends AsyncDisposable {
  /** The virtual clock. A handler must wait by `clock.sleep`. */
  readonly clock: Clock;
  /** The definitions of functions, as those of the client. */
  readonly functions: FunctionRegistry;
  /** Finds failures and redrives them, as that of the client. */
  readonly repair: Repair;
  /** Ends an invocation that is not over, as that of the client. */
  readonly cancel: Cancel['cancel'];
  /** The log in memory. */
  readonly log: EventLog;
  /**
   * Invokes a function asynchronously. Resolves when everything has happened that is possible without moving the time.
   *
   * Throws `FunctionNotFoundError` and `InvalidInputError`.
   *
   * @param target The function, or its name.
   * @param event The payload: any value that JSON can express.
   * @param options The id, the version and the time of the request.
   */
  invoke<Input, Output>(
    target: string | TypedFunction<Input, Output>,
    event: Input,
    options?: TestInvokeOptions,
  ): Promise<TestInvoked<Output>>;
  /** Moves the time by `ms` milliseconds. Everything that is due by then happens in order. A failure of a handler rejects nothing. */
  advance(ms: number): Promise<void>;
  /** Moves the time until no invocation or delivery is open. Throws when that takes more than `maxMs` milliseconds (30 days). */
  runUntilIdle(maxMs?: number): Promise<void>;
  /** The facts about the invocation with this `id`, and its state. Throws `InvocationNotFoundError`. */
  timeline(id: string): Promise<Timeline>;
  /** The published outcomes of all functions, or of the `target`, the oldest first. */
  results(target?: string | { name: string }): Result[];
  /** The tries of deliveries to destinations outside of Sequent. */
  deliveries(): readonly DeliveryRequest[];
}

const START = Date.UTC(2026, 0, 1);

/**
 * Starts a Sequent for one test. `await using` ends it with the test.
 *
 * @param options The functions, the time at the start, and the answers of destinations outside of Sequent.
 * @returns The Sequent, in which time stands still.
 * @throws `InvalidInputError` for a function without a handler, and for an invalid definition.
 * @example
 * import assert from 'node:assert/strict';
 * import { defineFunction } from 'sequent-functions/client';
 * import { createTestSequent } from 'sequent-functions/testing';
 *
 * const HOUR = 3_600_000;
 * const billing = defineFunction({
 *   name: 'billing',
 *   policy: { maxRetries: 3, maxAgeInSeconds: 86_400, backoff: { initialInMs: HOUR, factor: 2, maxInMs: 6 * HOUR, jitter: 0 } },
 *   handler: () => {
 *     throw new Error('the bank is closed');
 *   },
 * });
 *
 * await using sequent = await createTestSequent({ functions: [billing] });
 * const { requestId } = await sequent.invoke(billing, { order: 7 });
 * await sequent.advance(7 * HOUR);
 * assert.equal((await sequent.timeline(requestId)).attempts, 4);
 */
export async function createTestSequent(options: TestSequentOptions): Promise<TestSequent> {
  const { functions, startAt = START, deliver = () => ({ kind: 'delivered' }), graceInMs = 100 } = options;
  const clock = createVirtualClock(Number(startAt));
  const tenancy = { region: 'local', project: 'default' };
  const system = await startTestSystem({ functions, clock, tenancy, deliver });
  const { log, work, answers, registry, directory } = system;
  const time = createVirtualTime({ system, clock, graceInMs });
  const requests = createRequests({
    log,
    clock,
    random: countedBytes(),
    maxBatch: (name) => directory.get(name)?.definition.concurrency ?? 1,
  });
  const findQueued = answers.openRequests.find;
  let appends = 0;
  const writing = { log, hints: work.hints, clock, by: 'test', appendId: () => `test-${appends++}` };
  const timeline = (id: string): Promise<Timeline> => readTimeline(id, { log, tenancy, findQueued });

  return {
    clock: time.clock,
    functions: registry,
    repair: createRepair({ ...writing, findQueued }),
    cancel: createCancel({ ...writing, cancellations: answers.cancellations, findQueued, functions: registry }).cancel,
    log,
    timeline,
    async invoke<Input, Output>(target: string | TypedFunction<Input, Output>, event: Input, given: TestInvokeOptions = {}) {
      const name = parseFunctionName(typeof target === 'string' ? target : target.name);
      if (directory.find(name, given.qualifier ?? 'latest') === undefined) await registry.find(name, given.qualifier);
      const requestId = await requests.send(name, { payload: encodePayload(checkEvent(target, event)), ...given });
      // The roles receive the request before the test continues.
      await time.settle();
      return {
        requestId,
        result: async () => toResult(await time.until(async () => (await timeline(requestId)).envelope)) as Result<Output>,
      };
    },
    advance: time.advance,
    async runUntilIdle(maxMs) {
      await time.until(async () => (time.isIdle() ? true : undefined), maxMs);
    },
    results(target) {
      const name = typeof target === 'object' ? target.name : target;
      return log.results.published.flatMap(({ name: { function: fn }, envelope }) => {
        const found = readEnvelope(envelope);
        return found === undefined || (name !== undefined && fn !== name) ? [] : [toResult(found)];
      });
    },
    deliveries: () => system.deliveries,
    [Symbol.asyncDispose]: () => system.stop(),
  };
}

/** Counts up instead of random bytes, so that the ids of a test are deterministic. */
function countedBytes() {
  let count = 0;
  return {
    bytes(size: number): Uint8Array {
      const bytes = Buffer.alloc(size);
      // An id uses only half of the last byte.
      bytes.writeUInt32BE(++count, size - 5);
      return bytes;
    },
  };
}
