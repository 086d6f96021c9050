import type { Fact, FactOf, Outcome } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { failedFact, outcomeFacts } from '#machines/outcome.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { indexOf } from '#src/core/flow/stream-waits.ts';
import { debounceOf } from '#src/core/functions/debounce.ts';
import { type RegisteredFunction, termsOf } from '#src/core/functions/definition.ts';
import type { Flow } from '#src/core/functions/flow.ts';
import { poolOf } from '#src/core/functions/flow.ts';
import { flowKeyOf } from '#src/core/functions/flow-key.ts';
import { decideWhenFor } from '#src/core/functions/when/decide-when.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import { streamOf } from '#src/core/names/ids.ts';
import type { FunctionName, RequestId } from '#src/core/names/names.ts';
import type { ExecutionEvent } from '#src/core/ports/function-host.ts';
import { loadStream, requestOf, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { Due } from '#src/worker/attempt/due.ts';
import type { NextStep } from '#src/worker/attempt/next-step.ts';
import type { WorkerPorts } from '#src/worker/ports.ts';

type Waiting = {
  invocation: Invocation;
  request: AcceptedRequest;
  name: FunctionName;
  flow: Flow | undefined;
  payloads: PayloadSealer | undefined;
  now: number;
};

/**
 * What an invocation whose first attempt may start does before: `run` starts the attempt, `wait` waits for its group, and a fact is appended first
 * (DEB1). Its caller waits for a synchronous request, so that is never debounced.
 */
export function beforeAttempt({ invocation, request, name, flow, payloads, now }: Waiting): 'run' | 'wait' | Fact {
  const { attempts, group, waitsFor } = invocation.context;
  const id = request.fact.invocation;
  if (attempts > 0 || group !== null) return 'run';
  if (waitsFor?.debounce !== undefined) {
    if (flow?.debounce !== undefined) return 'wait';
    // The function is debounced no more, so it gets the event and no array.
    return { type: 'debounce.closed', invocation: id, at: now, keep: 'last', dueAt: now, members: [] };
  }
  if (flow?.debounce === undefined || waitsFor !== null || request.fact.synchronous) return 'run';
  const key = flowKeyOf(request, flow, payloads);
  return { type: 'deferred', invocation: id, at: now, flow: { pool: poolOf(name, flow), key, debounce: debounceOf(flow.debounce) } };
}

type MemberPorts = Pick<WorkerPorts, 'log' | 'hints' | 'clock' | 'appendId' | 'worker'>;
const READS_AT_ONCE = 16;

/**
 * Lets the members of a group join its leader, and returns their events in their order. A member that ended before, or joined another leader, is
 * left out (DEB3). After the first attempt nothing changes here, so every attempt gets the same events.
 */
export async function joinMembers(
  leader: Invocation,
  { name: { function: name }, request: { sequence: request } }: Pick<StreamState, 'name' | 'request'>,
  ports: MemberPorts,
): Promise<ExecutionEvent[]> {
  const { context } = leader;
  const { members = [], keep = 'last' } = context.group ?? {};
  const named = { invocation: context.request?.invocation ?? '', request };
  const events: (ExecutionEvent | undefined)[] = [];
  for (let index = 0; index < members.length; index += READS_AT_ONCE) {
    const some = members.slice(index, index + READS_AT_ONCE);
    events.push(...(await Promise.all(some.map((member) => joinMember(member, { leader: named, keep, name }, ports)))));
  }
  return events.filter((event) => event !== undefined);
}

type GroupMember = FactOf<'debounce.joined'>['leader'];
type Joined = { leader: GroupMember; keep: FactOf<'debounce.joined'>['keep']; name: FunctionName };

async function joinMember(member: GroupMember, { leader, keep, name }: Joined, ports: MemberPorts): Promise<ExecutionEvent | undefined> {
  const { log, clock, appendId, worker: by, hints } = ports;
  const id = member.invocation;
  const stream = { function: name, stream: streamOf(id as RequestId) };
  const state = await loadStream(log, stream, member.request);
  if (state === undefined) return undefined;
  const writer = new StreamWriter({ log, state, by, appendId, clock });
  const isNew = (await writer.propose(id, [{ type: 'debounce.joined', invocation: id, at: clock.now(), keep, leader }])) !== undefined;
  const isJoined = writer.state.invocations.get(id)?.context.group?.leader?.invocation === leader.invocation;
  // One of many that are superseded ends by itself.
  if (isNew && keep === 'last') hints.wake(stream, member.request, `${stream.stream}.${writer.state.version}.joined-${indexOf(id)}`);
  const payload = requestOf(state, id)?.payload;
  return isJoined && payload !== undefined ? { requestId: id as RequestId, payload } : undefined;
}

/** Wakes the members of a group, because the outcome of the leader is in the log. */
export function wakeMembers(
  { context: { group } }: Invocation,
  { name, version }: Pick<StreamState, 'name' | 'version'>,
  { hints }: Pick<WorkerPorts, 'hints'>,
): void {
  for (const { invocation: id, request } of group?.members ?? []) {
    const stream = streamOf(id as RequestId);
    hints.wake({ function: name.function, stream }, request, `${stream}.${version}.ended-${indexOf(id)}`);
  }
}

export type Member = Due & { fn: RegisteredFunction | undefined };

/** How a member of a group ends: as its leader, or superseded by it. `undefined` while the leader is not over (DEB3). */
export async function followLeader(
  { invocation, request, fn }: Member,
  name: FunctionName,
  ports: Pick<WorkerPorts, 'log' | 'clock' | 'payloads'>,
): Promise<NextStep | undefined> {
  const { leader, keep } = invocation.context.group ?? {};
  if (leader === undefined) return undefined;
  const at = ports.clock.now();
  const id = leader.invocation;
  if (keep === 'last') {
    // A later request replaces this one, so no destination is called.
    const superseded = failedFact('InvocationCanceled', {
      invocation,
      at,
      message: `the later request ${id} of its key runs in its place`,
    });
    return {
      kind: 'end',
      facts: [
        { ...superseded, leader: id },
        { type: 'notified', invocation: request.fact.invocation, at },
      ],
    };
  }
  const found = (await loadStream(ports.log, { function: name, stream: streamOf(id as RequestId) }, leader.request))?.invocations.get(id);
  if (found !== undefined && found.context.outcome === null) return undefined;
  const outcome = outcomeOfMember(invocation, { outcome: found?.context.outcome ?? undefined, id, at });
  const terms = fn === undefined ? undefined : termsOf(fn, request.fact);
  return { kind: 'end', facts: outcomeFacts(outcome, terms, decideWhenFor(request, ports.payloads)) };
}

function outcomeOfMember(invocation: Invocation, { outcome, id, at }: { outcome: Outcome | undefined; id: string; at: number }): Outcome {
  const named = { invocation: invocation.context.request?.invocation ?? '', at, attempt: 0, leader: id };
  if (outcome === undefined)
    return {
      ...failedFact('SystemError', { invocation, at, message: `the log no longer has ${id}, which ran with its event` }),
      leader: id,
    };
  if (outcome.type === 'failed') {
    const { condition, failure } = outcome;
    return { type: 'failed', ...named, condition, failure };
  }
  // A stored value belongs to the leader (BIG2).
  const { payload, droppedBytes } = outcome;
  return { type: 'succeeded', ...named, payload, ...(droppedBytes === undefined ? {} : { droppedBytes }) };
}
