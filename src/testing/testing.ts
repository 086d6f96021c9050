import { type Cancel, createCancel } from '#src/client/cancel.ts';
import type { TypedFunction } from '#src/client/define-function.ts';
import { checkEvent } from '#src/client/handlers.ts';
import { readTimeline, type Timeline } from '#src/client/invocations.ts';
import { createRepair, type Repair } from '#src/client/repair.ts';
import { createRequests, encodePayload } from '#src/client/requests.ts';
import { type Result, readEnvelope, toResult } from '#src/client/results.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { DeliveryRequest, DeliveryResult } from '#src/core/ports/destination-target.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';
import { createPassage } from './passage.ts';
import { type AnyFunction, startTestSystem } from './test-system.ts';
import { createVirtualClock } from './virtual-clock.ts';

export type TestSequentOptions = {
  /** The functions, with their handlers, which run in this process. */
  functions: readonly AnyFunction[];
  /** What it is o'clock in the beginning; 2026-01-01 by default. */
  startAt?: Date | number;
  /** What a destination outside of Sequent (HTTP, OBS, SMN, DIS, NATS) answers; `{ kind: 'delivered' }` by default. */
  deliver?: (request: DeliveryRequest) => DeliveryResult | Promise<DeliveryResult>;
  /** How long, in real milliseconds, a handler may wait for what is not virtual before time goes on without it. */
  graceInMs?: number;
};

export type TestInvokeOptions = { id?: string; qualifier?: string; traceparent?: string };

/** An accepted invocation of a test. */
export type TestInvoked<Output = unknown> = {
  requestId: string;
  /** Lets time pass until it has an outcome. */
  result(): Promise<Result<Output>>;
};

/**
 * Sequent in one process, on a log in memory and under virtual time: the real worker, scheduler and destinations, which fold
 * the real machine. Time stands still unless a test lets it pass, and then jumps from one thing that is due to the next.
 */
export interface TestSequent extends AsyncDisposable {
  /** The time of this Sequent. A handler that waits, waits for `clock.sleep`. */
  readonly clock: Clock;
  readonly functions: FunctionRegistry;
  readonly repair: Repair;
  readonly cancel: Cancel['cancel'];
  readonly log: EventLog;
  /** Invokes a function asynchronously. What can happen without time passing has happened when it resolves. */
  invoke<Input, Output>(
    target: string | TypedFunction<Input, Output>,
    event: Input,
    options?: TestInvokeOptions,
  ): Promise<TestInvoked<Output>>;
  /** Lets so much time pass: everything that is due by then happens, in order. */
  advance(ms: number): Promise<void>;
  /** Lets as much time pass as it takes until nothing is open. Throws when that is more than `atMostMs` (30 days). */
  runUntilIdle(atMostMs?: number): Promise<void>;
  timeline(id: string): Promise<Timeline>;
  /** All outcomes that were published, oldest first. */
  results(target?: string | { name: string }): Result[];
  /** Every try to tell a destination outside of Sequent. */
  deliveries(): readonly DeliveryRequest[];
}

const START = Date.UTC(2026, 0, 1);

/** Starts a Sequent of the test's own. Throws `InvalidInputError` for a function without a handler, or a wrong definition. */
export async function createTestSequent(options: TestSequentOptions): Promise<TestSequent> {
  const { functions, startAt = START, deliver = () => ({ kind: 'delivered' }), graceInMs = 100 } = options;
  const clock = createVirtualClock(Number(startAt));
  const place = { region: 'local', project: 'default' };
  const system = await startTestSystem({ functions, clock, tenancy: place, deliver });
  const { log, work, answers, registry, directory } = system;
  const passage = createPassage({ system, clock, graceInMs });
  const requests = createRequests({
    log,
    clock,
    random: countedBytes(),
    maxBatch: (name) => directory.get(name)?.definition.concurrency ?? 1,
  });
  const findQueued = answers.openRequests.find;
  let appends = 0;
  const writing = { log, hints: work.hints, clock, by: 'test', appendId: () => `test-${appends++}` };
  const timeline = (id: string): Promise<Timeline> => readTimeline(id, { log, tenancy: place, findQueued });

  return {
    clock: passage.clock,
    functions: registry,
    repair: createRepair(writing),
    cancel: createCancel({ ...writing, cancellations: answers.cancellations, findQueued, functions: registry }).cancel,
    log,
    timeline,
    async invoke<Input, Output>(target: string | TypedFunction<Input, Output>, event: Input, given: TestInvokeOptions = {}) {
      const name = parseFunctionName(typeof target === 'string' ? target : target.name);
      if (directory.find(name, given.qualifier ?? 'latest') === undefined) await registry.find(name, given.qualifier);
      const requestId = await requests.send(name, { payload: encodePayload(checkEvent(target, event)), ...given });
      // The roles hear of it before the test goes on.
      await passage.settle();
      return {
        requestId,
        result: async () => toResult(await passage.until(async () => (await timeline(requestId)).envelope)) as Result<Output>,
      };
    },
    advance: passage.advance,
    async runUntilIdle(atMostMs) {
      await passage.until(async () => (passage.isIdle() ? true : undefined), atMostMs);
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

/** No chance in a test: ids are counted. */
function countedBytes() {
  let count = 0;
  return {
    bytes(size: number): Uint8Array {
      const bytes = Buffer.alloc(size);
      // Of the last byte only a half counts.
      bytes.writeUInt32BE(++count, size - 5);
      return bytes;
    },
  };
}
