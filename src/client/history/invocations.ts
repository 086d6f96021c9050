import type { Fact } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { type Status, statusOf } from '#machines/status.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import { type Envelope, encodeEnvelope } from '#src/core/log/envelope.ts';
import type { AcceptedRequest, EventLog, RecordedAppend, StreamName } from '#src/core/log/event-log.ts';
import { parseRequestId, type RequestId } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { readStream, requestOf } from '#src/core/stream/stream.ts';
import { type FindStreamOptions, findStream, type Owner } from './find-stream.ts';

/** One transition of an invocation. */
export type Transition = {
  /** The sequence of its message in the log. */
  sequence: number;
  /** The process that appended the fact; `client` for the request. */
  by: string;
  /** What happened, and when: `fact.type`, `fact.at` in milliseconds since the epoch. */
  fact: Fact;
};

/** All facts about one invocation, and the state that they fold to. */
export type Timeline = {
  /** The id of the invocation. */
  requestId: string;
  /** The name of the function. */
  function: string;
  /** The version or `!alias` that the caller named. */
  qualifier: string;
  /** The state of its machine: `queued`, `running`, `retrying`, `succeeded`, `failed` or `notified`. */
  state: Invocation['value'];
  /** FunctionGraph's status. */
  status: Status;
  /** How many attempts have started. */
  attempts: number;
  /** The event as JSON text, or a reference to it when it is large; see `SequentClient.requestPayload`. */
  requestPayload: string;
  /** What happened, in the order of the log. */
  transitions: Transition[];
  /** The envelope of its outcome, once it has one. */
  envelope?: Envelope;
};

export type TimelineOptions = Owner & FindStreamOptions & { log: EventLog; tenancy: Tenancy };

/**
 * Reads one invocation from the log.
 *
 * Throws what {@link findStream} throws, `InvocationNotFoundError` when the log does not have the invocation, and `NoAnswerError` when that is
 * unknown.
 */
export async function readTimeline(id: string, options: TimelineOptions): Promise<Timeline> {
  return await readStreamTimeline(id, await findStream(id, options, options), options);
}

/** Reads one invocation of a stream from the log. Throws `InvocationNotFoundError` and `NoAnswerError`, as {@link readTimeline} does. */
export async function readStreamTimeline(id: string, name: StreamName, { log, tenancy, findQueued }: TimelineOptions): Promise<Timeline> {
  const requestId = parseRequestId(id);
  const found = (await readStream(log, name)) ?? (await readStream(log, name, (await findQueued(name.stream, name.function))[0]?.request));
  if (found === undefined) throw new InvocationNotFoundError({ id });
  const { state, accepted: appends } = found;
  const request = requestOf(state, requestId);
  const invocation = state.invocations.get(requestId);
  if (request === undefined || invocation === undefined) throw new InvocationNotFoundError({ id });
  const accepted: Transition = { sequence: state.request.sequence, by: 'client', fact: request.fact };
  return timelineOf({ requestId, request, invocation, transitions: [accepted, ...transitionsOf(requestId, appends)], tenancy });
}

function transitionsOf(requestId: RequestId, appends: readonly RecordedAppend[]): Transition[] {
  return appends.flatMap(({ version: sequence, by, facts }) =>
    facts.filter(({ invocation }) => invocation === requestId).map((fact) => ({ sequence, by, fact })),
  );
}

type TimelineSource = {
  requestId: RequestId;
  request: AcceptedRequest;
  invocation: Invocation;
  transitions: Transition[];
  tenancy: Tenancy;
};

export function timelineOf({ requestId, request, invocation, transitions, tenancy }: TimelineSource): Timeline {
  return {
    requestId,
    function: request.fact.function,
    qualifier: request.fact.qualifier,
    state: invocation.value,
    status: statusOf(invocation),
    attempts: invocation.context.attempts,
    requestPayload: request.payload,
    transitions,
    ...(invocation.context.outcome === null ? {} : { envelope: JSON.parse(encodeEnvelope(tenancy, request, invocation)) as Envelope }),
  };
}
