import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { type MasterKeys, parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { NatsUnavailableError } from '#src/core/errors.ts';
import { LATEST, maxPayloadBytesOf } from '#src/core/functions/definition.ts';
import { greatestOf } from '#src/core/least-and-greatest.ts';
import { type FunctionName, isFunctionName, parseFunctionName } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { createLargePayloads, type LargePayloads } from '#src/core/payloads/large-payloads.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import { createSchedules } from '#src/functions/schedules.ts';
import { inspect } from '#src/nats/inspection.ts';
import { listCursors, removeCursor } from '#src/nats/streams/feeds/cursors.ts';
import { sequenceAt } from '#src/nats/streams/feeds/start-position.ts';
import { subscribeToLiveResults } from '#src/nats/streams/results/live-results.ts';
import { createRequestTracing } from '#src/tracing/requests.ts';
import { findTracer } from '#src/tracing/tracer.ts';
import { connectionOptionsOf } from './address.ts';
import { CallsInTime } from './calls-in-time.ts';
import { createClientLogs } from './follow/logs.ts';
import { createSubscriptions } from './follow/transition-subscription.ts';
import { readWholeTimeline } from './history/archived-timeline.ts';
import type { Owner } from './history/find-stream.ts';
import { createClientHistory } from './history/history.ts';
import { findInvocationsAt } from './history/invocation-at.ts';
import { readTimeline, type Timeline } from './history/invocations.ts';
import { createOpener, type Opener } from './history/opener.ts';
import { createBatches } from './invoke/batches.ts';
import { createInvoker, nameOf } from './invoke/invoke.ts';
import { createLiveOutcomes, expectOutcomes, liveOutcome } from './invoke/live-outcomes.ts';
import { createRequests, type Requests } from './invoke/requests.ts';
import { followLiveResults, subscribeToResults } from './invoke/result-subscription.ts';
import { createResultWaiter, type Result, toResult } from './invoke/results.ts';
import { createStoredValues } from './invoke/stored-values.ts';
import { type OpenedParts, openInTime } from './open-parts.ts';
import { createCancel } from './repair/cancel.ts';
import { createRepair } from './repair/repair.ts';
import type { ClientOptions, SequentClient, WaitOptions } from './sequent-client.ts';
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
export type { EarlierRequest, Invoked, InvokeOptions, Target } from './invoke/invoke.ts';
export type { Result } from './invoke/results.ts';
export type { DeadLetter, FailedInvocation, RepairFilter } from './repair/failures.ts';
export type { Repair } from './repair/repair.ts';
export type { ClientOptions, SequentClient, WaitOptions } from './sequent-client.ts';
export type { SystemState } from './state/system.ts';
export type { FunctionOptions, HandlerContext, TypedFunction } from './worker/define-function.ts';
export { defineFunction } from './worker/define-function.ts';
export type { EmbeddedWorker, WorkerOptions } from './worker/worker.ts';

/**
 * Registers the functions, and runs their handlers in this process. Several such processes share the work.
 *
 * The modules of the worker are loaded by the call, so that an application which only invokes starts faster.
 *
 * @param options The functions, and where NATS is.
 * @returns The running worker. `stop` ends it, as `await using` does.
 * @throws `InvalidInputError` for a function without a handler, or with an invalid definition.
 * @throws `NatsUnavailableError` when the server does not answer within 5 s, or has no JetStream for this user.
 * @throws `NotPermittedError` when the user of NATS may not run functions.
 * @example
 * import { defineFunction, startWorker } from 'sequent-functions/client';
 *
 * const greet = defineFunction({
 *   name: 'greet',
 *   timeoutInMs: 10_000,
 *   policy: { maxRetries: 2 },
 *   handler: (event: { name: string }, context) => ({ greeting: `Hello, ${event.name}!`, attempt: context.attempt }),
 * });
 *
 * const worker = await startWorker({ functions: [greet], servers: 'nats://127.0.0.1:4222' });
 * process.once('SIGTERM', () => void worker.stop(10_000));
 */
export async function startWorker(options: WorkerOptions): Promise<EmbeddedWorker> {
  const { startEmbeddedWorker } = await import('./worker/worker.ts');
  return startEmbeddedWorker(options);
}

/** How long a request is sent again while the log does not answer, so that the call settles within ten seconds (LATE2). */
const ACCEPT_WITHIN_MS = 9_000;

/**
 * Connects to the NATS of a running Sequent. The connection is restored after an interruption, without a limit of attempts.
 *
 * @param options Where NATS is: `servers`, or else the environment variable `NATS_URL`, or else `nats://127.0.0.1:4222`; and what the client may use.
 * @returns The client. `close` ends it, as `await using` does.
 * @throws `NatsUnavailableError` when the server does not answer within 5 s, or has no JetStream for this user.
 * @throws `NotPermittedError` when JetStream's API is required and not permitted.
 * @throws `InvalidInputError` when a file of credentials or of TLS cannot be used.
 * @example
 * import { connectClient } from 'sequent-functions/client';
 *
 * await using client = await connectClient({ servers: 'nats://127.0.0.1:4222' });
 * const invoked = await client.invoke('hello', { name: 'Ada' }, { id: 'order-7' });
 * const { outcome, value } = await invoked.result({ timeoutInMs: 10_000 });
 * console.log(outcome, value);
 */
export async function connectClient(options: ClientOptions = {}): Promise<SequentClient> {
  const {
    tenancy = { region: 'local', project: 'default' },
    acceptWithinMs: budgetInMs = ACCEPT_WITHIN_MS,
    grants,
    sealer,
    jetstreamApi,
    historyProject,
    encryptionKeys,
    masterKeys = masterKeysOf(encryptionKeys),
    registryCopy,
    ...address
  } = options;
  const payloads = registryCopy?.payloads ?? new PayloadSealer({ masterKeys });
  const closing = new AbortController();
  // Every open subscription listens to this signal, and their number is the caller's, so Node must not warn of a leak.
  setMaxListeners(0, closing.signal);
  const opened = await openInTime(
    { name: 'sequent-client', ...connectionOptionsOf(address) },
    { jetstreamApi, historyProject, budgetInMs, payloads, registryCopy, signal: closing.signal },
  );
  const { functions: store, destinationCheck, clock, packages } = opened.ports;
  const functions = createFunctionRegistry(store, { refuseDestination: destinationCheck.refuse, grants, clock, packages, sealer });
  const client = createClient({ ...opened, tenancy, functions, payloads, closing });
  // The gateway bounds the answers to its requests itself (LATE1).
  return registryCopy === undefined ? inTime(client, opened, budgetInMs) : client;
}

/** Lets the calls of a client settle in time (LATE2). `follow` ends by its signal, and `close` by itself. */
function inTime(client: SequentClient, { connection, ports, directory }: OpenedParts, acceptWithinMs: number): SequentClient {
  const { servers, nats } = connection;
  // A client that may not read the log asks the server alone.
  const calls = new CallsInTime({ servers, ask: () => (directory === undefined ? nats.flush() : ports.log.lastSequence()) });
  const timeGiven = (args: readonly unknown[]): number => greatestOf(args.map((one) => (one as WaitOptions | undefined)?.timeoutInMs ?? 0));
  const { functions, history, result } = client;
  return {
    ...calls.bounded(client, {
      parts: ['schedules', 'flow', 'batches', 'packages', 'repair', 'logs', 'cursors'],
      except: ['functions', 'history', 'result', 'follow', 'close', 'connection', 'logEpoch', 'clock'],
      // A caller that lets requests be sent again for longer waits for longer.
      timeGiven: () => (acceptWithinMs > ACCEPT_WITHIN_MS ? acceptWithinMs : 0),
    }),
    functions: calls.bounded(functions, { parts: ['testEvents', 'layers'] }),
    history: calls.bounded(history, { timeGiven }),
    result: (id, options = {}) => calls.settle(result(id, options), options.timeoutInMs),
  };
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
    flow: createFlow({ connection, ports, directory }, functions),
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

/** The flows are read again and again by the metrics, so they come from the copy of the registry, where the client has one. */
function createFlow({ connection, ports, directory }: OpenedParts, registry: FunctionRegistry): ClientFlow {
  const consumers = async (): Promise<SystemState['consumers']> => (await inspect(connection)).consumers;
  const functions = directory === undefined ? registry : { list: async () => directory.containing('"flow"') };
  return createClientFlow({ ledger: ports.flow, functions, history: createClientHistory(ports.history), consumers });
}

const READ_AGAIN_AFTER_MS = 200;

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
    isClosed: () => connection.nats.isClosed(),
  });
  const stored = createStoredValues({ large, directory, readTimeline: (id, name) => readWhole(id, { function: name }) });

  /** Reads again while NATS does not answer, because the caller waits for so long. */
  async function readUntil(
    { endsAt, signal }: { endsAt: number; signal: AbortSignal | undefined },
    id: string,
    owner: Owner,
  ): Promise<Timeline> {
    for (;;) {
      signal?.throwIfAborted();
      try {
        return await readWhole(id, owner);
      } catch (error) {
        const mayCome = error instanceof NatsUnavailableError && !connection.nats.isClosed() && performance.now() < endsAt;
        if (!mayCome) throw error;
        await systemClock.sleep(READ_AGAIN_AFTER_MS);
      }
    }
  }

  async function result(id: string, { timeoutInMs = 60_000, isAccepted = false, signal, ...owner }: WaitOptions = {}): Promise<Result> {
    if (live !== undefined)
      return toResult(opener.envelope(await liveOutcome(live, { id, functionName: owner.function, timeoutInMs, signal })));
    const endsAt = performance.now() + timeoutInMs;
    const known: Pick<Timeline, 'function' | 'envelope'> =
      isAccepted && owner.function !== undefined ? { function: owner.function } : await readUntil({ endsAt, signal }, id, owner);
    const name = isFunctionName(known.function) ? known.function : undefined;
    // The log holds the request, although another reader of the log may not have read it yet.
    const found = known.envelope ?? (await waiter.wait(id, { name, timeoutInMs, isAccepted: true, signal }));
    return await stored.complete(toResult(found), known.function);
  }
  return { live, waiter, readWhole, stored, result };
}

function masterKeysOf(lines: string | undefined): () => MasterKeys | undefined {
  const keys = lines === undefined ? undefined : parseMasterKeys(lines, 'encryptionKeys');
  return () => keys;
}
