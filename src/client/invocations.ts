import type { Fact } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { type Status, statusOf } from '#machines/status.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import { type Envelope, encodeEnvelope } from '#src/core/log/envelope.ts';
import { type AcceptedRequest, type EventLog, NO_APPENDS, type StreamName } from '#src/core/log/event-log.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseFunctionName, parseRequestId, type RequestId, type StreamId } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { foldAppends, initialState, requestOf } from '#src/core/stream/stream.ts';

/** One transition of an invocation: a fact, where it stands in the log, and who appended it. */
export type Transition = { sequence: number; by: string; fact: Fact };

/** Everything the log says about one invocation. */
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

/** Finds a request that no append speaks of yet: only the scheduler knows where it stands. */
export type FindQueued = (stream: StreamId, functionName?: FunctionName) => Promise<{ name: StreamName; request: number } | undefined>;

/**
 * Reads one invocation from the log.
 *
 * Throws `InvalidInputError` for what is no id, and `InvocationNotFoundError` when the log does not know it.
 */
export async function readTimeline(
  id: string,
  {
    log,
    tenancy,
    findQueued,
    functionName,
  }: { log: EventLog; tenancy: Tenancy; findQueued: FindQueued; functionName?: string | undefined },
): Promise<Timeline> {
  const requestId = parseRequestId(id);
  const stream = streamOf(requestId);
  const given = functionName === undefined ? undefined : { function: parseFunctionName(functionName), stream };
  const name = given ?? (await log.find(stream)) ?? (await findQueued(stream))?.name;
  if (name === undefined) throw new InvocationNotFoundError({ id });
  const appends = await log.read(name, NO_APPENDS);
  const sequence = appends.find((append) => append.request > 0)?.request ?? (await findQueued(stream, name.function))?.request;
  const message = sequence === undefined ? undefined : await log.readRequest(sequence);
  if (message === undefined) throw new InvocationNotFoundError({ id });
  const state = foldAppends(initialState(message), appends);
  const request = requestOf(state, requestId);
  const invocation = state.invocations.get(requestId);
  if (request === undefined || invocation === undefined) throw new InvocationNotFoundError({ id });
  const transitions: Transition[] = [{ sequence: message.sequence, by: 'client', fact: request.fact }];
  for (const append of appends) {
    for (const fact of append.facts) {
      if (fact.invocation === requestId) transitions.push({ sequence: append.version, by: append.by, fact });
    }
  }
  return describe({ requestId, request, invocation, transitions, tenancy });
}

type TimelineSource = {
  requestId: RequestId;
  request: AcceptedRequest;
  invocation: Invocation;
  transitions: Transition[];
  tenancy: Tenancy;
};

export function describe({ requestId, request, invocation, transitions, tenancy }: TimelineSource): Timeline {
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
