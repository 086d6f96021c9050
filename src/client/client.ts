import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { LATEST } from '#src/core/functions/definition.ts';
import type { Grants } from '#src/core/functions/handler-rules.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { type FunctionName, parseFunctionName } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { CodePackages } from '#src/core/ports/code-packages.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import { openNatsPorts } from '#src/nats/ports.ts';
import { type Cursor, listCursors, removeCursor } from '#src/nats/streams/cursors.ts';
import { subscribeToLiveResults } from '#src/nats/streams/live-results.ts';
import { sequenceAt } from '#src/nats/streams/start-position.ts';
import { type Connection, type NatsOptions, openConnection } from '#src/nats/transport/connection.ts';
import { createRequestTracing } from '#src/tracing/requests.ts';
import { findTracer } from '#src/tracing/tracer.ts';
import { readWholeTimeline } from './archived-timeline.ts';
import { type Cancel, createCancel } from './cancel.ts';
import type { TypedFunction } from './define-function.ts';
import { checkEvent } from './handlers.ts';
import { type ClientHistory, createClientHistory } from './history.ts';
import { readTimeline, type Timeline } from './invocations.ts';
import { createRepair, type Repair } from './repair.ts';
import { checkJson, createRequests, encodePayload } from './requests.ts';
import { subscribeToResults } from './result-subscription.ts';
import { createResultWaiter, type Result, toResult } from './results.ts';
import { readSystem, type SystemState } from './system.ts';
import { createSubscriptions, type Transitions, type TransitionsOptions } from './transitions.ts';

export type { LiveTransition, TransitionFilter } from '#src/core/log/transitions.ts';
export type { Cursor } from '#src/nats/streams/cursors.ts';
export type { HandlerContext, TypedFunction } from './define-function.ts';
export { defineFunction } from './define-function.ts';
export type { ClientHistory } from './history.ts';
export type { Timeline, Transition } from './invocations.ts';
export type { DeadLetter, FailedInvocation, Repair, RepairFilter } from './repair.ts';
export type { Result } from './results.ts';
export type { SystemState } from './system.ts';
export type { DeliveredTransition, Transitions, TransitionsOptions } from './transitions.ts';
export { startWorker } from './worker.ts';

export type ClientOptions = Partial<NatsOptions> & {
  tenancy?: Tenancy;
  /** How long an unanswered request is followed up before it is reported as unknown, in milliseconds; 30 s by default. */
  acceptWithinMs?: number;
  /** What other projects than the own one may name beyond the defaults: as Sequent itself is configured. */
  grants?: Grants | undefined;
};

export type InvokeOptions = {
  /** The idempotency key: a second request of the same id starts nothing. */
  id?: string | undefined;
  /** A version or `!alias`; `latest` by default. */
  qualifier?: string | undefined;
  traceparent?: string | undefined;
};

export type WaitOptions = { function?: string; timeoutInMs?: number };

/** An accepted invocation. */
export type Invoked<Output = unknown> = {
  requestId: string;
  /** The trace context that the request carries. */
  traceparent?: string | undefined;
  /** Waits for its outcome. Throws `TimedOutError` (after 60 s by default). */
  result(options?: Pick<WaitOptions, 'timeoutInMs'>): Promise<Result<Output>>;
};

type Target<Input, Output> = string | TypedFunction<Input, Output>;

/** What applications use. Everything it accepts is durable when it resolves. */
export interface SequentClient extends AsyncDisposable {
  readonly functions: FunctionRegistry;
  /** The code of functions. */
  readonly packages: CodePackages;
  readonly connection: Connection;
  /** Finding what went wrong, and having it tried again. */
  readonly repair: Repair;
  /** Any question about invocations, answered from the read model. */
  readonly history: ClientHistory;
  /** Ends an invocation that is not over yet; see {@link Cancel}. */
  cancel: Cancel['cancel'];
  /**
   * Invokes a function asynchronously. Throws `FunctionNotFoundError`, `InvalidInputError`, `LogFullError`, and
   * `UnknownOutcomeError` when it is not known whether the request was accepted: repeat it under an `id` of your own then.
   */
  invoke<Input, Output>(target: Target<Input, Output>, event: Input, options?: InvokeOptions): Promise<Invoked<Output>>;
  /** The same with JSON text, which is passed on as it is. */
  invokeText(name: string, payload: string, options?: InvokeOptions): Promise<Invoked>;
  /**
   * The same for a request that may have been made before under its id, also by another process: `earlier` is then the payload of
   * the first one, and nothing was started. Remembered for two minutes; ask `timeline` about what is older.
   */
  invokeOnce(
    name: string,
    payload: string,
    options: InvokeOptions & { id: string },
  ): Promise<Pick<Invoked, 'requestId' | 'traceparent'> & { earlier?: string }>;
  /** Invokes a function once for each event. */
  invokeMany<Input, Output>(
    target: Target<Input, Output>,
    events: readonly Input[],
    options?: Omit<InvokeOptions, 'id'>,
  ): Promise<Invoked<Output>[]>;
  /** Waits for the outcome of an invocation. Throws `InvocationNotFoundError` and `TimedOutError`. */
  result(id: string, options?: WaitOptions): Promise<Result>;
  /**
   * The outcomes of a function, in order: from the moment it resolves, or from a sequence of the result stream on. Ends with
   * the loop that reads it, or with the client. An outcome may come twice: its `requestId` tells.
   */
  subscribe<Input, Output>(
    target: Target<Input, Output>,
    outcome?: 'succeeded' | 'failed',
    from?: 'now' | number,
  ): Promise<AsyncIterable<Result<Output>>>;
  /** Everything the log says about an invocation, also when it was purged since and a read model knows it. Throws `InvocationNotFoundError`. */
  timeline(id: string, options?: Pick<WaitOptions, 'function'>): Promise<Timeline>;
  /** Transitions as the log tells them; see {@link Transitions}. */
  transitions(options?: TransitionsOptions): Transitions;
  /** The cursors that durable subscribers of transitions left in JetStream. */
  readonly cursors: { list(): Promise<Cursor[]>; remove(name: string): Promise<boolean> };
  /** The server, the streams, what waits, and who is there. */
  system(options?: { instances?: boolean }): Promise<SystemState>;
  /** The sequence of the first message at or after a time; behind the last one when there is none. */
  sequenceAt(time: Date): Promise<number>;
  /** The sequence of the newest message of the log: what is accepted after this comes behind it. */
  lastSequence(): Promise<number>;
  /** Every message of the log from a sequence on, or from now on, until the signal aborts. */
  follow(from: 'now' | number, onEntry: (entry: FullLogEntry) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Connects to the NATS of a running Sequent. Throws `NatsUnavailableError`. */
export async function connectClient(options: ClientOptions = {}): Promise<SequentClient> {
  const { tenancy = { region: 'local', project: 'default' }, acceptWithinMs: budgetInMs = 30_000, grants, ...natsOptions } = options;
  const servers = natsOptions.servers ?? process.env.NATS_URL ?? 'nats://127.0.0.1:4222';
  const connection = await openConnection({ name: 'sequent-client', ...natsOptions, servers });
  const closing = new AbortController();
  // Every open subscription listens to this signal until it ends. Their number is the caller's, so Node must not warn of a leak.
  setMaxListeners(0, closing.signal);
  const ports = await openNatsPorts(connection, { leaseInMs: 15_000, clock: systemClock, budgetInMs }).catch(async (error: unknown) => {
    await connection.close();
    throw connection.refusals.explain(error);
  });
  const { log, openRequests } = ports;
  const functions = createFunctionRegistry(ports.functions, { refuseDestination: ports.destinationCheck.refuse, grants });
  const directory = await openFunctionDirectory(ports.functions, { signal: closing.signal });
  const requests = createRequests({
    log,
    clock: systemClock,
    random: { bytes: randomBytes },
    maxBatch: (name) => directory.get(name)?.definition.concurrency ?? 1,
  });
  const timelineOptions = { log, tenancy, findQueued: openRequests.find, history: ports.history };
  const waiter = createResultWaiter({
    listen: (name, onResult) => subscribeToLiveResults(connection, name as FunctionName, onResult),
    look: async (id, name) => (await readTimeline(id, { ...timelineOptions, functionName: name })).envelope,
  });

  /** Tells at once what the local copy knows. That may be behind; the registry itself throws for what does not exist. */
  function known(name: string, qualifier = LATEST): FunctionName | Promise<FunctionName> {
    const parsed = parseFunctionName(name);
    return directory.find(parsed, qualifier) === undefined ? functions.find(parsed, qualifier).then(() => parsed) : parsed;
  }

  function send<Output>(name: FunctionName, payload: string, options: InvokeOptions): Promise<Invoked<Output>> {
    return traceRequest(name, { ...options, payload }, async (request) => {
      const requestId = await requests.send(name, request);
      return {
        requestId,
        traceparent: request.traceparent,
        async result({ timeoutInMs = 60_000 } = {}) {
          return toResult(await waiter.wait(requestId, { name, timeoutInMs, isAccepted: true })) as Result<Output>;
        },
      };
    });
  }

  const subscriptions = createSubscriptions(connection);
  const by = `client-${randomBytes(6).toString('hex')}`;
  let appends = 0;
  const writing = { log, hints: ports.hints, clock: systemClock, by, appendId: () => `${by}-${appends++}` };
  const repair = createRepair(writing);
  const traceRequest = createRequestTracing(findTracer());

  const client: SequentClient = {
    functions,
    packages: ports.packages,
    connection,
    repair,
    history: createClientHistory(ports.history),
    cancel: createCancel({ ...writing, cancellations: ports.cancellations, findQueued: openRequests.find, functions }).cancel,
    async invoke(target, event, options = {}) {
      return await send(await known(nameOf(target), options.qualifier), encodePayload(checkEvent(target, event)), options);
    },
    async invokeText(name, payload, options = {}) {
      return await send(await known(name, options.qualifier), checkJson(payload), options);
    },
    async invokeOnce(name, payload, options) {
      const token = await known(name, options.qualifier);
      return await traceRequest(token, { ...options, payload: checkJson(payload) }, async (request) => {
        const { sequence, isRepeated } = await requests.sendOnce(token, request);
        const first = isRepeated ? await log.readRequest(sequence) : undefined;
        const earlier = first === undefined ? {} : { earlier: first.requests[0]?.payload ?? '' };
        return { requestId: options.id, traceparent: request.traceparent, ...earlier };
      });
    },
    async invokeMany(target, events, options = {}) {
      const name = await known(nameOf(target), options.qualifier);
      const payloads = events.map((event) => encodePayload(checkEvent(target, event)));
      return Promise.all(payloads.map((payload) => send<never>(name, payload, options)));
    },
    async result(id, { function: functionName, timeoutInMs = 60_000 } = {}) {
      const { envelope } = await readWholeTimeline(id, { ...timelineOptions, functionName });
      if (envelope !== undefined) return toResult(envelope);
      return toResult(
        await waiter.wait(id, { name: functionName === undefined ? undefined : parseFunctionName(functionName), timeoutInMs }),
      );
    },
    subscribe(target, outcome, from = 'now') {
      const subject = subjects.result(parseFunctionName(nameOf(target)), outcome ?? '*');
      return subscribeToResults(connection, { subject, from, closing: closing.signal });
    },
    timeline: (id, { function: functionName } = {}) => readWholeTimeline(id, { ...timelineOptions, functionName }),
    transitions: (options = {}) => subscriptions.open(options),
    cursors: { list: () => listCursors(connection), remove: (name) => removeCursor(connection, name) },
    system: (options) => readSystem({ connection, log, state: ports.state, roleInstances: ports.roleInstances }, options),
    sequenceAt: (time) => sequenceAt(connection, time.getTime()),
    lastSequence: () => log.lastSequence(),
    async follow(from, onEntry, signal) {
      const first = from === 'now' ? (await log.lastSequence()) + 1 : from;
      await log.followFully(first, onEntry, AbortSignal.any([signal, closing.signal]));
    },
    async close() {
      closing.abort();
      await subscriptions.close();
      ports.close();
      await connection.close();
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
  return client;
}

function nameOf(target: Target<never, unknown> | Target<unknown, unknown> | string | { name: string }): string {
  return typeof target === 'string' ? target : target.name;
}
