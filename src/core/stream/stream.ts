import { allDeliveriesSettled, deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import { type Fact, isOutcome } from '#machines/facts.ts';
import { type Invocation, type InvocationEffect, invocationFolder } from '#machines/invocation.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import { expiresAt } from '#machines/outcome.ts';
import { StreamLostError } from '#src/core/errors.ts';
import { isNamed, waitsTextOf } from '#src/core/flow/stream-waits.ts';
import { acceptedAfter, headOfOwned } from '#src/core/log/chain.ts';
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
  /** The sequence of the last append, whether it counts or not. */
  readonly version: StreamVersion;
  /** The hash of the last accepted message (LINK1). */
  readonly head: string;
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
  return { name: request.name, request, version: NO_APPENDS, head: request.hash, invocations, facts: [] };
}

/**
 * Reads and folds a stream; `undefined` when the log does not hold its request.
 *
 * A stream belongs to the request that its first accepted append names. A later request with the same id therefore starts nothing.
 */
export async function loadStream(log: EventLog, name: StreamName, request?: number | RequestMessage): Promise<StreamState | undefined> {
  return (await readStream(log, name, request))?.state;
}

/** A stream as the log holds it in an epoch: its state, and the appends that count (LINK2). */
export type StreamHistory = { state: StreamState; accepted: readonly RecordedAppend[]; epoch: number };

/** Reads a stream as {@link loadStream} does, with its appends. */
export async function readStream(log: EventLog, name: StreamName, request?: number | RequestMessage): Promise<StreamHistory | undefined> {
  for (;;) {
    const epoch = log.epoch();
    const history = await foldWhole(log, { name, request, appends: await log.read(name, NO_APPENDS) });
    // A read across two epochs may have mixed them.
    if (log.epoch() === epoch) return history === undefined ? undefined : { ...history, epoch };
  }
}

async function foldWhole(log: EventLog, stream: WholeStream): Promise<Omit<StreamHistory, 'epoch'> | undefined> {
  const { owner, appends } = await findOwner(log, stream);
  if (owner === undefined) return undefined;
  const initial = initialState(owner);
  const version = stream.appends.at(-1)?.version ?? NO_APPENDS;
  const chain = acceptedAfter(initial.head, appends);
  return { state: foldAccepted({ ...initial, version }, appends, chain), accepted: chain.accepted };
}

/** Folds further appends. A fact that the machine refuses changes nothing, nor does an append with a wrong link; `verify` reports both. */
export function foldAppends(state: StreamState, appends: readonly RecordedAppend[]): StreamState {
  return foldAccepted(state, appends, acceptedAfter(state.head, appends));
}

type AcceptedAppends = ReturnType<typeof acceptedAfter<RecordedAppend>>;

function foldAccepted(state: StreamState, appends: readonly RecordedAppend[], { accepted, head }: AcceptedAppends): StreamState {
  const invocations = new Map(state.invocations);
  for (const { facts } of accepted) {
    for (const fact of facts) {
      const invocation = invocations.get(fact.invocation);
      const step = invocation === undefined ? undefined : invocationFolder.step(invocation, fact);
      if (step !== undefined) invocations.set(fact.invocation, step.snapshot);
    }
  }
  const version = appends.at(-1)?.version ?? state.version;
  const facts = [...state.facts, ...accepted.flatMap((append) => append.facts)];
  return { ...state, version, head, invocations, facts, outcomesRead: addOutcomes(state.outcomesRead, accepted) };
}

/** The latest version counts. It is too high when a later outcome was refused, and the result is then looked up once more (PUB2). */
function addOutcomes(known: StreamState['outcomesRead'], appends: readonly RecordedAppend[]): ReadonlyMap<string, StreamVersion> {
  const versions = new Map(known);
  for (const { facts, version } of appends) for (const fact of facts) if (isOutcome(fact)) versions.set(fact.invocation, version);
  return versions;
}

/**
 * Folds the appends after a state. The first accepted append of a stream may name another owner than the request of the state.
 *
 * The whole stream is read when an append has a wrong link, because the state may come from messages that the log has lost. Throws
 * `StreamLostError` when the log no longer holds the request.
 */
export async function catchUp(log: EventLog, state: StreamState, appends: readonly RecordedAppend[]): Promise<StreamState> {
  const { name, request, head, version } = state;
  const isOwned = head !== request.hash;
  if (isOwned && acceptedAfter(head, appends).accepted.length === appends.length) return foldAppends(state, appends);
  const isWhole = version === NO_APPENDS;
  const read = isWhole ? await foldWhole(log, { name, request, appends }) : await readStream(log, name, request.sequence);
  if (read === undefined) throw new StreamLostError({ stream: name.stream });
  return read.state;
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
export function wakeTimesOf(invocations: ReadonlyMap<string, Invocation>): WakeTimes {
  const wakeTimes: WakeTimes = {};
  let hasWaits = false;
  for (const invocation of invocations.values()) {
    const { value, context } = invocation;
    if (value === 'initial') continue;
    hasWaits ||= (context.waitsFor !== null || context.group !== null) && isNamed(context);
    if (context.dueAt !== null) lowerByDueTime(wakeTimes, invocation, context.dueAt);
    else if (context.outcome === null) lower(wakeTimes, 'inProgressSince', context.startedAt ?? context.request?.at ?? 0);
    else lowerByDeliveries(wakeTimes, context, value === 'notified');
  }
  return hasWaits ? { ...wakeTimes, waitsFor: waitsTextOf(invocations.values()) } : wakeTimes;
}

function lower(wakeTimes: WakeTimes, key: Exclude<keyof WakeTimes, 'waitsFor'>, moment: number): void {
  wakeTimes[key] = Math.min(wakeTimes[key] ?? moment, moment);
}

/** The terms of a delayed request are fixed later. The scheduler knows the age that its function allows now. */
function lowerByDueTime(wakeTimes: WakeTimes, invocation: Invocation, dueAt: number): void {
  lower(wakeTimes, 'dueAt', dueAt);
  if (invocation.context.terms !== null) lower(wakeTimes, 'endsAt', expiresAt(invocation, 0));
}

/** An outcome whose open deliveries all back off needs no work until the first of them is due. */
function lowerByDeliveries(wakeTimes: WakeTimes, context: InvocationContext, isNotified: boolean): void {
  const open = openDeliveries(context).map(({ id }) => deliveryOf(context, id));
  for (const delivery of open) if (delivery?.value === 'backingOff') lower(wakeTimes, 'deliverAt', delivery.context.dueAt ?? 0);
  const isInProgress = open.length === 0 ? !isNotified : open.some((delivery) => delivery?.value !== 'backingOff');
  if (isInProgress) lower(wakeTimes, 'inProgressSince', context.outcome?.at ?? 0);
}

/** Whether nothing remains to be done for an invocation. */
export function isInvocationSettled({ value, context }: Invocation): boolean {
  return value === 'notified' && allDeliveriesSettled(context);
}

/** The request of one invocation of the stream. */
export function requestOf({ request: { requests } }: StreamState, id: string): AcceptedRequest | undefined {
  // The id of a member of a batch ends with its index.
  const indexed = requests[requests.length === 1 ? 0 : Number.parseInt(id.slice(-4), 16)];
  return indexed?.fact.invocation === id ? indexed : requests.find(({ fact }) => fact.invocation === id);
}

function isSame(one: StreamName, other: StreamName): boolean {
  return one.function === other.function && one.stream === other.stream;
}

function acceptedInvocation(fact: AcceptedRequest['fact']): Invocation {
  const step = invocationFolder.step(invocationFolder.initial, fact);
  if (step === undefined) throw new Error(`the machine refuses the request ${fact.invocation}`);
  return step.snapshot;
}

type WholeStream = { name: StreamName; appends: readonly RecordedAppend[]; request: number | RequestMessage | undefined };
type OwnedAppends = { owner: RequestMessage | undefined; appends: readonly RecordedAppend[] };

/**
 * The request that owns a stream: the one that the first accepted append names, else the given one. With it, the appends from the first
 * accepted one on: those before it do not count (LINK2).
 */
async function findOwner(log: EventLog, { name, appends, request }: WholeStream): Promise<OwnedAppends> {
  const read = async (sequence: number): Promise<RequestMessage | undefined> => {
    const message = typeof request === 'object' && request.sequence === sequence ? request : await log.readRequest(sequence);
    // The sequence may belong to a request of another stream.
    return message !== undefined && isSame(message.name, name) ? message : undefined;
  };
  for (const [index, append] of appends.entries()) {
    // A later request may have the sequence that an append named when the log had lost its own one (LINK5).
    if (append.request <= 0 || append.request > append.version) continue;
    const message = await read(append.request);
    if (headOfOwned({ isOwned: false, head: '' }, message?.hash, append) !== undefined)
      return { owner: message, appends: appends.slice(index) };
  }
  return { owner: typeof request === 'number' ? await read(request) : request, appends: [] };
}
