import type { Invocation } from '#machines/invocation.ts';
import type { Flow } from '#src/core/functions/flow.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { ExecutionEvent } from '#src/core/ports/function-host.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { Due } from '#src/worker/attempt/due.ts';
import type { NextStep } from '#src/worker/attempt/next-step.ts';
import type { WorkerPorts } from '#src/worker/ports.ts';
import { beforeAttempt, followLeader, joinMembers, type Member, wakeMembers } from './debounced-run.ts';

/** The groups of debounced requests, as the run of one stream needs them. */
export class GroupRun {
  readonly #ports: WorkerPorts;
  readonly #writer: StreamWriter;
  /** The events that run together, by leader. */
  #events: Map<string, readonly ExecutionEvent[]> | undefined;

  constructor(ports: WorkerPorts, writer: StreamWriter) {
    this.#ports = ports;
    this.#writer = writer;
  }

  /** A request with the events of its group. */
  withEvents(request: AcceptedRequest): AcceptedRequest & { events?: readonly ExecutionEvent[] } {
    const events = this.#events?.get(request.fact.invocation);
    return events === undefined ? request : { ...request, events };
  }

  /** What comes before an attempt; `undefined` when nothing does. Resolves to `undefined` when the attempt may start then (DEB1). */
  prepare({ request, invocation, flow }: Due & { flow: Flow | undefined }): Promise<'settled' | 'again' | undefined> | undefined {
    const { payloads, clock } = this.#ports;
    const name = this.#writer.state.name.function;
    const first = beforeAttempt({ invocation, request, name, flow, payloads, now: clock.now() });
    if (first === 'wait') return Promise.resolve('settled');
    if (first !== 'run') return this.#writer.propose(first.invocation, [first], undefined, hasNoPart).then(() => 'again');
    return invocation.context.group === null ? undefined : this.#gather({ request, invocation });
  }

  /** How a member ends; `undefined` while its leader is not over (DEB3). */
  follow(member: Member): Promise<NextStep | undefined> {
    return followLeader(member, this.#writer.state.name.function, this.#ports);
  }

  /** Wakes the members of an invocation that is over. */
  noteAppended(id: string): void {
    const ended = this.#writer.state.invocations.get(id);
    if (ended !== undefined && ended.context.outcome !== null) wakeMembers(ended, this.#writer.state, this.#ports);
  }

  async #gather({ request, invocation }: Due): Promise<undefined> {
    const id = request.fact.invocation;
    const { group, attempts } = invocation.context;
    if (this.#events?.has(id) || (group?.keep === 'last' && attempts > 0)) return undefined;
    const events = await joinMembers(invocation, this.#writer.state, this.#ports);
    if (group?.keep !== 'all') return undefined;
    this.#events ??= new Map();
    this.#events.set(id, [...events, { requestId: id as ExecutionEvent['requestId'], payload: request.payload }]);
    return undefined;
  }
}

/** A worker that read the stream before its group was closed records no wait for a group after that (PROP5). */
function hasNoPart({ context }: Invocation): boolean {
  return context.group === null;
}
