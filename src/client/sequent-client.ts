import type { MasterKeys } from '#src/core/encryption/master-keys.ts';
import type { SecretSealer } from '#src/core/encryption/secret-sealer.ts';
import type { Grants } from '#src/core/functions/handler-rules.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { CodePackages } from '#src/core/ports/stores/code-packages.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';
import type { Schedules } from '#src/functions/schedules.ts';
import type { Cursor } from '#src/nats/streams/feeds/cursors.ts';
import type { LogEpoch } from '#src/nats/streams/log/log-epoch.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import type { ClientAddress } from './address.ts';
import type { ClientLogs } from './follow/logs.ts';
import type { Transitions, TransitionsOptions } from './follow/transitions.ts';
import type { Owner } from './history/find-stream.ts';
import type { ClientHistory } from './history/history.ts';
import type { LoggedInvocation } from './history/invocation-at.ts';
import type { Timeline } from './history/invocations.ts';
import type { Batches } from './invoke/batches.ts';
import type { Invoke, Target } from './invoke/invoke.ts';
import type { Result } from './invoke/results.ts';
import type { StoredValues } from './invoke/stored-values.ts';
import type { JetstreamApi, RegistryCopy } from './open-parts.ts';
import type { Cancel } from './repair/cancel.ts';
import type { Repair } from './repair/repair.ts';
import type { ClientFlow } from './state/flow.ts';
import type { SystemState } from './state/system.ts';

/** Where NATS is, as which user the client connects, and what it may use. The connection options of `nats` are accepted too. */
export type ClientOptions = ClientAddress & {
  /** The region and the project of the functions; `local` and `default` by default. Must equal the configuration of Sequent. */
  tenancy?: Tenancy;
  /** How long a request without an answer is retried before it fails with `UnknownOutcomeError`, in milliseconds; 9 s by default. */
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
  /** The copy of the registry that this process has already, within the quotas of definitions. Only the gateway has it. */
  registryCopy?: RegistryCopy | undefined;
  /** The present encryption keys of a process of Sequent, instead of `encryptionKeys`. */
  masterKeys?: (() => MasterKeys | undefined) | undefined;
};

/** How long a call waits for an outcome, and whose invocation it means. */
export type WaitOptions = Owner & {
  /** How long the call waits before it throws `TimedOutError`, in milliseconds; 60,000 by default. */
  timeoutInMs?: number;
  /** The log accepted a request with this id and `function`. The call then waits also while no role has read the request. */
  isAccepted?: boolean;
  /** Ends the wait: it throws the reason of the signal. */
  signal?: AbortSignal | undefined;
};

/**
 * The client library of applications. Everything that the client accepts is durable when its promise resolves.
 *
 * Besides the errors that it names, every method throws `NatsUnavailableError` when NATS does not answer, and `NotPermittedError` when the user
 * of the connection lacks a permission. Each error has a stable `code`, and `retryable` says whether a repetition can succeed.
 *
 * Without an answer of NATS, a promise settles within ten seconds, or within the longer `timeoutInMs` or `acceptWithinMs` that the caller gave.
 */
export interface SequentClient extends Invoke, AsyncDisposable {
  /** The definitions of functions, their versions and their aliases. */
  readonly functions: FunctionRegistry;
  /** When functions are invoked again and again. */
  readonly schedules: Schedules;
  /** The slots that functions share over all workers. */
  readonly flow: ClientFlow;
  /** Opens and seals batches. */
  readonly batches: Batches;
  /** The code of functions. */
  readonly packages: CodePackages;
  /** The connection to NATS, for what the client has no method for. */
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
   * The request payload of an invocation that `timeline` returned: JSON text. A large payload is read from its store.
   *
   * Throws `PayloadUnavailableError` when the large payload is missing or damaged.
   */
  requestPayload(timeline: Pick<Timeline, 'requestId' | 'function' | 'requestPayload'>): Promise<string>;
  /** The returned text of an invocation that `timeline` returned, or its error. A large value is read from its store. Throws as `requestPayload`. */
  responsePayload: StoredValues['read'];
  /**
   * Waits for the outcome of an invocation.
   *
   * Throws `InvocationNotFoundError`, `AmbiguousIdError` and `TimedOutError`.
   *
   * @param id The id of the request.
   * @example
   * import { connectClient } from 'sequent-functions/client';
   *
   * await using client = await connectClient();
   * const { outcome, value } = await client.result('order-7', { function: 'orders', timeoutInMs: 10_000 });
   * console.log(outcome, value);
   */
  result(id: string, options?: WaitOptions): Promise<Result>;
  /**
   * The outcomes of a function in order, from now on or from a sequence of the RESULTS stream. Resolves when the start position is fixed.
   *
   * Reading ends with the loop or with the client. An outcome may be delivered twice; its `requestId` identifies a repetition. Throws
   * `InvalidInputError` for an invalid name.
   *
   * @param target The function, or its name.
   * @param outcome Only successes or only failures; both by default.
   * @param from `now`, or the first sequence of the stream RESULTS that is read.
   * @example
   * import { connectClient } from 'sequent-functions/client';
   *
   * await using client = await connectClient();
   * for await (const { requestId, envelope } of await client.subscribe('orders', 'failed')) {
   *   console.log(requestId, envelope.request_context.condition);
   * }
   */
  subscribe<Input, Output>(
    target: Target<Input, Output>,
    outcome?: 'succeeded' | 'failed',
    from?: 'now' | number,
  ): Promise<AsyncIterable<Result<Output>>>;
  /**
   * Reads one invocation from the log, or from a read model if the log was purged.
   *
   * Throws `InvocationNotFoundError`, `AmbiguousIdError` and `NoAnswerError`.
   *
   * @param id The id of the request.
   * @example
   * import { connectClient } from 'sequent-functions/client';
   *
   * await using client = await connectClient();
   * const { state, attempts, transitions } = await client.timeline('order-7');
   * for (const { fact } of transitions) console.log(new Date(fact.at).toISOString(), fact.type);
   * console.log(`${state} after ${attempts} attempts`);
   */
  timeline(id: string, options?: Owner): Promise<Timeline>;
  /** Subscribes to transitions; see {@link Transitions}. */
  transitions(options?: TransitionsOptions): Transitions;
  /** The output of the attempts of a function, and their failures. */
  readonly logs: ClientLogs;
  /** The cursors of durable subscribers to transitions, which JetStream keeps. */
  readonly cursors: { list(): Promise<Cursor[]>; remove(name: string): Promise<boolean> };
  /**
   * The state of the server, the streams, the consumers and the running roles. Throws `NoAnswerError` when processes run and none answers.
   *
   * `options.instances`: whether the running processes are asked, which takes half a second; true by default.
   */
  system(options?: { instances?: boolean }): Promise<SystemState>;
  /** Returns the sequence of the first message at or after a `time`, or the sequence after the newest message. */
  sequenceAt(time: Date): Promise<number>;
  /** The invocations that the message with this `sequence` of the log is about; empty when there is none. */
  invocationsAt(sequence: number): Promise<LoggedInvocation[]>;
  /** Returns the sequence of the newest message of the log. */
  lastSequence(): Promise<number>;
  /** The first message of the log at or after a `sequence`; `undefined` when there is none. */
  firstFrom(sequence: number): Promise<{ sequence: number } | undefined>;
  /** Reads every message of the log, `from` a sequence or from now on, until the `signal` aborts. Calls `onEntry` in the order of the log. */
  follow(from: 'now' | number, onEntry: (entry: FullLogEntry) => void, signal: AbortSignal): Promise<void>;
  /** Ends every subscription, and closes the connection to NATS after the buffered messages were sent. */
  close(): Promise<void>;
}
