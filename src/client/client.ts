import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { type MasterKeys, parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import type { SecretSealer } from '#src/core/encryption/secret-sealer.ts';
import { LATEST, maxPayloadBytesOf } from '#src/core/functions/definition.ts';
import type { Grants } from '#src/core/functions/handler-rules.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { type FunctionName, isFunctionName, parseFunctionName } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { createLargePayloads, type LargePayloads } from '#src/core/payloads/large-payloads.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { CodePackages } from '#src/core/ports/stores/code-packages.ts';
import type { DefinitionLimits } from '#src/core/quotas/definition-limits.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import { createSchedules, type Schedules } from '#src/functions/schedules.ts';
import { inspect } from '#src/nats/inspection.ts';
import { type Cursor, listCursors, removeCursor } from '#src/nats/streams/feeds/cursors.ts';
import { sequenceAt } from '#src/nats/streams/feeds/start-position.ts';
import type { LogEpoch } from '#src/nats/streams/log/log-epoch.ts';
import { subscribeToLiveResults } from '#src/nats/streams/results/live-results.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { createRequestTracing } from '#src/tracing/requests.ts';
import { findTracer } from '#src/tracing/tracer.ts';
import { type ClientAddress, connectionOptionsOf } from './address.ts';
import { type ClientLogs, createClientLogs } from './follow/logs.ts';
import { createSubscriptions } from './follow/transition-subscription.ts';
import type { Transitions, TransitionsOptions } from './follow/transitions.ts';
import { readWholeTimeline } from './history/archived-timeline.ts';
import type { Owner } from './history/find-stream.ts';
import { type ClientHistory, createClientHistory } from './history/history.ts';
import { findInvocationsAt, type LoggedInvocation } from './history/invocation-at.ts';
import { readTimeline, type Timeline } from './history/invocations.ts';
import { createOpener, type Opener } from './history/opener.ts';
import { type Batches, createBatches } from './invoke/batches.ts';
import { createInvoker, type Invoke, nameOf, type Target } from './invoke/invoke.ts';
import { createLiveOutcomes, expectOutcomes, liveOutcome } from './invoke/live-outcomes.ts';
import { createRequests, type Requests } from './invoke/requests.ts';
import { followLiveResults, subscribeToResults } from './invoke/result-subscription.ts';
import { createResultWaiter, type Result, toResult } from './invoke/results.ts';
import { createStoredValues, type StoredValues } from './invoke/stored-values.ts';
import { type JetstreamApi, type OpenedParts, openParts } from './open-parts.ts';
import { type Cancel, createCancel } from './repair/cancel.ts';
import { createRepair, type Repair } from './repair/repair.ts';
import { type ClientFlow, createClientFlow } from './state/flow.ts';
import { readSystem, type SystemState } from './state/system.ts';
import type { EmbeddedWorker, WorkerOptions } from './worker/worker.ts';

export type { LiveTransition, TransitionFilter } from '#src/core/log/transitions.ts';
export type { LogFilter, LogLine } from '#src/core/output/attempt-lines.ts';
export type { Cursor } from '#src/nats/streams/feeds/cursors.ts';
export type { ClientLogs, FollowLogsOptions, LogPage, ReadLogsOptions } from './follow/logs.ts';
export type { DeliveredTransition, Transitions, TransitionsOptions } from './follow/transitions.ts';
export type { ClientHistory } from './history/history.ts';
export type { Timeline, Transition } from './history/invocations.ts';
export type { Batches, OpenBatchOptions } from './invoke/batches.ts';
export type { EarlierRequest, Invoked, InvokeOptions } from './invoke/invoke.ts';
export type { Result } from './invoke/results.ts';
export type { DeadLetter, FailedInvocation, RepairFilter } from './repair/failures.ts';
export type { Repair } from './repair/repair.ts';
export type { SystemState } from './state/system.ts';
export type { HandlerContext, TypedFunction } from './worker/define-function.ts';
export { defineFunction } from './worker/define-function.ts';

/**
 * Registers the functions, and runs their handlers in this process. Several such processes share the work.
 *
 * The modules of the worker are loaded by the call, so that an application which only invokes starts faster. Throws `InvalidInputError` for a
 * function without a handler, and `NatsUnavailableError`.
 */
export async function startWorker(options: WorkerOptions): Promise<EmbeddedWorker> {
  const { startEmbeddedWorker } = await import('./worker/worker.ts');
  return startEmbeddedWorker(options);
}

export type ClientOptions = ClientAddress & {
  tenancy?: Tenancy;
  /** How long a request without an answer is retried before it fails with `UnknownOutcomeError`, in milliseconds; 30 s by default. */
  acceptWithinMs?: number;
  /**
   * Whether the user of this client may use JetStream's API; `if-permitted` by default.
   *
   * Without the API, the client invokes functions and receives outcomes that are published after the call: `invoke`, `invokeText`,
   * `invokeMany`, `result` and `subscribe`. All other methods throw `NotPermittedError`. `unused` makes no request to the API, and
   * `required` throws when the API is not permitted.
   */
  jetstreamApi?: JetstreamApi | undefined;
  /**
   * Asks for the history of this project alone, as the user of `sequent nats-permissions --role history --project` must. `history` then has
   * `get`, `list`, `all`, `count`, `stats`, `timeline`, `tree` and `deadLetters`.
   */
  historyProject?: string | undefined;
  /** What other projects may use in addition to the defaults. Must equal the configuration of Sequent. */
  grants?: Grants | undefined;
  /**
   * The lines of the file of `--encryption-key`, which encrypt and decrypt the payloads of projects. Without them, payloads of encrypting
   * projects cannot be sent, and are received as sealed texts.
   */
  encryptionKeys?: string | undefined;
  /** Encrypts secret user data. Only the processes of Sequent have one. */
  sealer?: SecretSealer | undefined;
  /** Refuses definitions beyond the quotas of their project. Only the gateway has it. */
  definitions?: DefinitionLimits | undefined;
  /** The present encryption keys of a process of Sequent, instead of `encryptionKeys`. */
  masterKeys?: (() => MasterKeys | undefined) | undefined;
};

export type WaitOptions = Owner & {
  timeoutInMs?: number;
  /** The log accepted a request with this id and `function`. The call then waits also while no role has read the request. */
  isAccepted?: boolean;
};

/** The client library of applications. Everything that the client accepts is durable when its promise resolves. */
export interface SequentClient extends Invoke, AsyncDisposable {
  readonly functions: FunctionRegistry;
  /** When functions are invoked again and again. */
  readonly schedules: Schedules;
  /** The slots that functions share over all workers. */
  readonly flow: ClientFlow;
  /** Opens and seals batches. */
  readonly batches: Batches;
  /** The code of functions. */
  readonly packages: CodePackages;
  readonly connection: Connection;
  /** What the log acknowledged to this client, and refused. */
  readonly logEpoch: LogEpoch;
  /** The time of the log: that of the NATS server. */
  readonly clock: Pick<Clock, 'now'>;
  /** Finds failures and redrives them. */
  readonly repair: Repair;
  /** Queries about invocations, answered from the read model. */
  readonly history: ClientHistory;
  /** Ends an invocation that is not over; see {@link Cancel}. */
  cancel: Cancel['cancel'];
  /**
   * The request payload of an invocation that `timeline` returned. A large payload is read from its store.
   *
   * Throws `PayloadUnavailableError` when the large payload is missing or damaged.
   */
  requestPayload(timeline: Pick<Timeline, 'requestId' | 'function' | 'requestPayload'>): Promise<string>;
  /** The returned text of an invocation that `timeline` returned, or its error. A large value is read from its store. Throws as `requestPayload`. */
  responsePayload: StoredValues['read'];
  /** Waits for the outcome of an invocation. Throws `InvocationNotFoundError`, `AmbiguousIdError` and `TimedOutError`. */
  result(id: string, options?: WaitOptions): Promise<Result>;
  /**
   * The outcomes of a function in order, from now on or from a sequence of the RESULTS stream. Resolves when the start position is fixed.
   *
   * Reading ends with the loop or with the client. An outcome may be delivered twice; its `requestId` identifies a repetition.
   */
  subscribe<Input, Output>(
    target: Target<Input, Output>,
    outcome?: 'succeeded' | 'failed',
    from?: 'now' | number,
  ): Promise<AsyncIterable<Result<Output>>>;
  /** Reads one invocation from the log, or from a read model if the log was purged. Throws `InvocationNotFoundError`, `AmbiguousIdError` and `NoAnswerError`. */
  timeline(id: string, options?: Owner): Promise<Timeline>;
  /** Subscribes to transitions; see {@link Transitions}. */
  transitions(options?: TransitionsOptions): Transitions;
  /** The output of the attempts of a function, and their failures. */
  readonly logs: ClientLogs;
  /** The cursors of durable subscribers to transitions, which JetStream keeps. */
  readonly cursors: { list(): Promise<Cursor[]>; remove(name: string): Promise<boolean> };
  /** The state of the server, the streams, the consumers and the running roles. */
  system(options?: { instances?: boolean }): Promise<SystemState>;
  /** Returns the sequence of the first message at or after a time, or the sequence after the newest message. */
  sequenceAt(time: Date): Promise<number>;
  /** The invocations that the message with this sequence of the log is about; empty when there is none. */
  invocationsAt(sequence: number): Promise<LoggedInvocation[]>;
  /** Returns the sequence of the newest message of the log. */
  lastSequence(): Promise<number>;
  /** The first message of the log at or after a sequence; `undefined` when there is none. */
  firstFrom(sequence: number): Promise<{ sequence: number } | undefined>;
  /** Reads every message of the log, from a sequence or from now on, until the signal aborts. */
  follow(from: 'now' | number, onEntry: (entry: FullLogEntry) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects to the NATS of a running Sequent. Throws `NatsUnavailableError`, and `NotPermittedError` when JetStream's API is required.
 */
export async function connectClient(options: ClientOptions = {}): Promise<SequentClient> {
  const {
    tenancy = { region: 'local', project: 'default' },
    acceptWithinMs: budgetInMs = 30_000,
    grants,
    sealer,
    jetstreamApi,
    historyProject,
    encryptionKeys,
    masterKeys = masterKeysOf(encryptionKeys),
    definitions,
    ...address
  } = options;
  const payloads = new PayloadSealer({ masterKeys });
  const closing = new AbortController();
  // Every open subscription listens to this signal until it ends. Their number is the caller's, so Node must not warn of a leak.
  setMaxListeners(0, closing.signal);
  const opened = await openParts(
    { name: 'sequent-client', ...connectionOptionsOf(address) },
    { jetstreamApi, historyProject, budgetInMs, payloads, definitions, signal: closing.signal },
  );
  const { functions: store, destinationCheck, clock, packages } = opened.ports;
  const functions = createFunctionRegistry(store, { refuseDestination: destinationCheck.refuse, grants, clock, packages, sealer });
  return createClient({ ...opened, tenancy, functions, payloads, closing });
}

type ClientParts = OpenedParts & { tenancy: Tenancy; functions: FunctionRegistry; payloads: PayloadSealer; closing: AbortController };

function createClient({ connection, ports, directory, tenancy, functions, payloads, closing }: ClientParts): SequentClient {
  const { log, openRequests, clock, history, cancellations } = ports;
  const opener = createOpener(payloads, tenancy);
  const large = createLargePayloads({ store: ports.payloadStore, payloads });
  const { live, waiter, readWhole, stored, result } = createReaders({ connection, ports, directory, tenancy, opener, large });
  const requests = createClientRequests({ ports, directory, payloads, large });
  const subscriptions = createSubscriptions(connection, opener.transition);
  const by = `client-${randomBytes(6).toString('hex')}`;
  let appends = 0;
  const writing = { log, hints: ports.hints, clock, by, appendId: () => `${by}-${appends++}` };
  const invoker = {
    isKnown: (name: FunctionName, qualifier: string) => directory === undefined || directory.find(name, qualifier) !== undefined,
    expectOutcome: live === undefined ? undefined : expectOutcomes(live),
    traceRequest: createRequestTracing(findTracer()),
  };

  const client: SequentClient = {
    ...createInvoker({ ...invoker, log, payloads, large, stored, requests, waiter, functions }),
    functions,
    schedules: createSchedules({ ...ports, store: ports.functions, functions, payloads, random: { bytes: randomBytes } }),
    flow: createFlow({ connection, ports }, functions),
    batches: createBatches({ ...writing, findQueued: openRequests.find, check: functions.checkDestinations }),
    packages: ports.packages,
    connection,
    logEpoch: ports.logEpoch,
    clock,
    repair: createRepair({ ...writing, payloads, large, findQueued: openRequests.find, history: ports.history }),
    history: createClientHistory(opener.history(ports.history)),
    cancel: createCancel({ ...writing, cancellations, findQueued: openRequests.find, history, functions, payloads }).cancel,
    requestPayload: ({ requestId, function: name, requestPayload }) =>
      large.fetch({ function: name, invocation: requestId }, requestPayload),
    responsePayload: stored.read,
    result,
    subscribe(target, outcome, from = 'now') {
      const name = parseFunctionName(nameOf(target));
      if (live !== undefined && from === 'now')
        return followLiveResults(connection, { name, outcome, open: opener.envelope, closing: closing.signal });
      const subject = subjects.result(name, outcome ?? '*');
      return subscribeToResults(connection, { subject, from, open: opener.envelope, closing: closing.signal });
    },
    timeline: (id, owner = {}) => readWhole(id, owner),
    transitions: (options = {}) => subscriptions.open(options),
    logs: createClientLogs({ connection, ports, opener, openTransitions: subscriptions.open, large }),
    cursors: { list: () => listCursors(connection), remove: (name) => removeCursor(connection, name) },
    system: (options) => readSystem({ connection, log, state: ports.state, roleInstances: ports.roleInstances }, options),
    sequenceAt: (time) => sequenceAt(connection, time.getTime()),
    invocationsAt: (sequence) => findInvocationsAt(log, sequence),
    lastSequence: () => log.lastSequence(),
    firstFrom: (sequence) => log.firstFrom(sequence),
    async follow(from, onEntry, signal) {
      const first = from === 'now' ? (await log.lastSequence()) + 1 : from;
      await log.followFully(first, (entry) => onEntry(opener.entry(entry)), AbortSignal.any([signal, closing.signal]));
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

type RequestParts = Pick<OpenedParts, 'ports' | 'directory'> & { payloads: PayloadSealer; large: LargePayloads };

function createClientRequests({ ports: { log, clock }, directory, payloads, large }: RequestParts): Requests {
  return createRequests({
    log,
    clock,
    payloads,
    random: { bytes: randomBytes },
    maxBatch: (name) => directory?.get(name)?.definition.concurrency ?? 1,
    large: { ...large, maxBytesOf: (name, qualifier) => maxPayloadBytesOf(directory?.find(name, qualifier ?? LATEST)?.definition) },
  });
}

type ReaderParts = OpenedParts & { tenancy: Tenancy; opener: Opener; large: LargePayloads };

function createFlow({ connection, ports }: Pick<OpenedParts, 'connection' | 'ports'>, functions: FunctionRegistry): ClientFlow {
  const consumers = async (): Promise<SystemState['consumers']> => (await inspect(connection)).consumers;
  return createClientFlow({ ledger: ports.flow, functions, history: createClientHistory(ports.history), consumers });
}

/** What reads invocations and waits for outcomes. `live`: of a client without JetStream's API. */
function createReaders({ connection, ports, directory, tenancy, opener, large }: ReaderParts) {
  const options = { log: ports.log, tenancy, findQueued: ports.openRequests.find, history: ports.history };
  const listen = (name: FunctionName | '*', onResult: (requestId: string, envelope: string) => void): Promise<void> =>
    subscribeToLiveResults(connection, name, onResult);
  const live = directory === undefined ? createLiveOutcomes(listen) : undefined;
  const readWhole = async (id: string, owner: Owner): Promise<Timeline> =>
    opener.timeline(await readWholeTimeline(id, { ...options, ...owner }));
  const waiter = createResultWaiter({
    subscribe: listen,
    open: opener.envelope,
    readOutcome: async (id, name) => opener.timeline(await readTimeline(id, { ...options, function: name })).envelope,
  });
  const stored = createStoredValues({ large, directory, readTimeline: (id, name) => readWhole(id, { function: name }) });

  async function result(id: string, { timeoutInMs = 60_000, isAccepted = false, ...owner }: WaitOptions = {}): Promise<Result> {
    if (live !== undefined) return toResult(opener.envelope(await liveOutcome(live, { id, functionName: owner.function, timeoutInMs })));
    const known: Pick<Timeline, 'function' | 'envelope'> =
      isAccepted && owner.function !== undefined ? { function: owner.function } : await readWhole(id, owner);
    const name = isFunctionName(known.function) ? known.function : undefined;
    // The log holds the request, although another reader of the log may not have read it yet.
    const found = known.envelope ?? (await waiter.wait(id, { name, timeoutInMs, isAccepted: true }));
    return await stored.complete(toResult(found), known.function);
  }
  return { live, waiter, readWhole, stored, result };
}

function masterKeysOf(lines: string | undefined): () => MasterKeys | undefined {
  const keys = lines === undefined ? undefined : parseMasterKeys(lines, 'encryptionKeys');
  return () => keys;
}
