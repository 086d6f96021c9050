import { allDeliveriesSettled, deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import { type Fact, isOutcome } from '#machines/facts.ts';
import { type Invocation, type InvocationEffect, invocationFolder } from '#machines/invocation.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import type {
  AcceptedRequest,
  EventLog,
  RecordedAppend,
  RequestMessage,
  StreamName,
  StreamVersion,
  WakeTimes,
} from '#src/core/log/event-log.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';

/** The invocations that were accepted together, folded up to a version of their stream. */
export type StreamState = {
  readonly name: StreamName;
  readonly request: RequestMessage;
  readonly version: StreamVersion;
  /** By request id. */
  readonly invocations: ReadonlyMap<string, Invocation>;
  /** All facts since the requests, oldest first. */
  readonly facts: readonly Fact[];
  /** The versions that brought the outcomes which were read from the log, by request id. Outcomes of own appends are not in it. */
  readonly outcomesRead?: ReadonlyMap<string, StreamVersion>;
};

/** The state right after acceptance. */
export function initialState(request: RequestMessage): StreamState {
  const invocations = new Map<string, Invocation>();
  for (const { fact } of request.requests) invocations.set(fact.invocation, acceptedInvocation(fact));
  return { name: request.name, request, version: NO_APPENDS, invocations, facts: [] };
}

/**
 * Reads and folds a stream; `undefined` when the log does not hold its request.
 *
 * A stream belongs to the request that its first append names. A later request with the same id therefore starts nothing.
 */
export async function loadStream(log: EventLog, name: StreamName, request?: number | RequestMessage): Promise<StreamState | undefined> {
  const appends = await log.read(name, NO_APPENDS);
  const owner = appends.find((append) => append.request > 0)?.request ?? request;
  const given = typeof request === 'number' ? undefined : request;
  const message = given !== undefined && (owner === given || owner === given.sequence) ? given : await readOwningRequest(log, owner);
  // The given sequence may belong to a request of another stream.
  return message === undefined || !isSame(message.name, name) ? undefined : foldAppends(initialState(message), appends);
}

/** Folds further appends. A fact that the machine refuses changes nothing, and `verify` reports it. */
export function foldAppends(state: StreamState, appends: readonly RecordedAppend[]): StreamState {
  const invocations = new Map(state.invocations);
  let version = state.version;
  for (const append of appends) {
    for (const fact of append.facts) {
      const invocation = invocations.get(fact.invocation);
      const step = invocation === undefined ? undefined : invocationFolder.step(invocation, fact);
      if (step !== undefined) invocations.set(fact.invocation, step.snapshot);
    }
    version = append.version;
  }
  const facts = [...state.facts, ...appends.flatMap((append) => append.facts)];
  return { ...state, version, invocations, facts, outcomesRead: addOutcomes(state.outcomesRead, appends) };
}

/** The latest version counts. It is too high when a later outcome was refused, and the result is then looked up once more (PUB2). */
function addOutcomes(known: StreamState['outcomesRead'], appends: readonly RecordedAppend[]): ReadonlyMap<string, StreamVersion> {
  const versions = new Map(known);
  for (const { facts, version } of appends) for (const fact of facts) if (isOutcome(fact)) versions.set(fact.invocation, version);
  return versions;
}

/**
 * Folds the appends after a state. When the first append of the stream names another request with the same id, the stream belongs to that
 * request, and the fold starts from it.
 */
export async function catchUp(log: EventLog, state: StreamState, appends: readonly RecordedAppend[]): Promise<StreamState> {
  const owner = appends.find((append) => append.request > 0)?.request;
  if (state.version !== NO_APPENDS || owner === undefined || owner === state.request.sequence) return foldAppends(state, appends);
  const request = await log.readRequest(owner);
  return foldAppends(request === undefined || !isSame(request.name, state.name) ? state : initialState(request), appends);
}

/** Folds facts of one invocation; `undefined` when the machine refuses one of them. */
export function foldFacts(
  invocation: Invocation,
  facts: readonly Fact[],
): { invocation: Invocation; effects: readonly InvocationEffect[] } | undefined {
  let snapshot = invocation;
  const effects: string[] = [];
  for (const fact of facts) {
    const step = invocationFolder.step(snapshot, fact);
    if (step === undefined) return undefined;
    snapshot = step.snapshot;
    effects.push(...step.effects);
  }
  return { invocation: snapshot, effects: effects as InvocationEffect[] };
}

/** When a stream with these invocations next needs work. Empty when all are settled. */
export function wakeTimesOf(invocations: Iterable<Invocation>): WakeTimes {
  const wakeTimes: WakeTimes = {};
  for (const { value, context } of invocations) {
    const acceptedAt = context.request?.at ?? 0;
    if (value === 'initial') continue;
    if (value === 'retrying') {
      lower(wakeTimes, 'dueAt', context.dueAt ?? 0);
      lower(wakeTimes, 'endsAt', acceptedAt + (context.terms?.maxAgeInMs ?? 0));
    } else if (context.outcome === null) lower(wakeTimes, 'inProgressSince', context.startedAt ?? acceptedAt);
    else lowerByDeliveries(wakeTimes, context, value === 'notified');
  }
  return wakeTimes;
}

function lower(wakeTimes: WakeTimes, key: keyof WakeTimes, moment: number): void {
  wakeTimes[key] = Math.min(wakeTimes[key] ?? moment, moment);
}

/** An outcome whose open deliveries all back off needs no work until the first of them is due. */
function lowerByDeliveries(wakeTimes: WakeTimes, context: InvocationContext, isNotified: boolean): void {
  const open = openDeliveries(context).map(({ id }) => deliveryOf(context, id));
  for (const delivery of open) if (delivery?.value === 'backingOff') lower(wakeTimes, 'deliverAt', delivery.context.dueAt ?? 0);
  const isInProgress = open.length === 0 ? !isNotified : open.some((delivery) => delivery?.value !== 'backingOff');
  if (isInProgress) lower(wakeTimes, 'inProgressSince', context.outcome?.at ?? 0);
}

/** Whether nothing remains to be done for an invocation. */
export function isSettled({ value, context }: Invocation): boolean {
  return value === 'notified' && allDeliveriesSettled(context);
}

/** The request of one invocation of the stream. */
export function requestOf(state: StreamState, id: string): AcceptedRequest | undefined {
  return state.request.requests.find(({ fact }) => fact.invocation === id);
}

function isSame(one: StreamName, other: StreamName): boolean {
  return one.function === other.function && one.stream === other.stream;
}

function acceptedInvocation(fact: AcceptedRequest['fact']): Invocation {
  const step = invocationFolder.step(invocationFolder.initial, fact);
  if (step === undefined) throw new Error(`the machine refuses the request ${fact.invocation}`);
  return step.snapshot;
}

async function readOwningRequest(log: EventLog, owner: number | RequestMessage | undefined): Promise<RequestMessage | undefined> {
  return typeof owner === 'number' ? log.readRequest(owner) : owner;
}
