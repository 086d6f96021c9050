import type { Fact } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { type Status, statusOf } from '#machines/status.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import { type Envelope, encodeEnvelope } from '#src/core/log/envelope.ts';
import type { AcceptedRequest, EventLog, RecordedAppend, StreamName } from '#src/core/log/event-log.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseFunctionName, parseRequestId, type RequestId, type StreamId } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { readStream, requestOf } from '#src/core/stream/stream.ts';

/** One transition of an invocation: a fact, the sequence of its message in the log, and the process that appended it. */
export type Transition = { sequence: number; by: string; fact: Fact };

/** All facts about one invocation, and the state that they fold to. */
export type Timeline = {
  requestId: string;
  function: string;
  qualifier: string;
  /** The state of its machine: `queued`, `running`, `retrying`, `succeeded`, `failed` or `notified`. */
  state: Invocation['value'];
  /** FunctionGraph's status. */
  status: Status;
  attempts: number;
  requestPayload: string;
  transitions: Transition[];
  /** The envelope of its outcome, once it has one. */
  envelope?: Envelope;
};

/** Finds a request that has no append yet. Only the scheduler knows the sequence of such a request. */
export type FindQueued = (stream: StreamId, functionName?: FunctionName) => Promise<{ name: StreamName; request: number } | undefined>;

export type TimelineOptions = { log: EventLog; tenancy: Tenancy; findQueued: FindQueued; functionName?: string | undefined };

/**
 * Reads one invocation from the log.
 *
 * Throws `InvalidInputError` for an invalid id, and `InvocationNotFoundError` when the log does not have the invocation.
 */
export async function readTimeline(id: string, { log, tenancy, findQueued, functionName }: TimelineOptions): Promise<Timeline> {
  const requestId = parseRequestId(id);
  const stream = streamOf(requestId);
  const given = functionName === undefined ? undefined : { function: parseFunctionName(functionName), stream };
  const name = given ?? (await log.find(stream)) ?? (await findQueued(stream))?.name;
  if (name === undefined) throw new InvocationNotFoundError({ id });
  const found = (await readStream(log, name)) ?? (await readStream(log, name, (await findQueued(stream, name.function))?.request));
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
