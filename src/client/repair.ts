import { deliveryOf } from '#machines/deliveries.ts';
import type { Fact } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { InvocationNotFoundError, WrongStateError } from '#src/core/errors.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { derivedId, streamOf } from '#src/core/names/ids.ts';
import { parseFunctionName, parseRequestId, type RequestId } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import { loadStream, requestOf, type StreamState } from '#src/core/stream/stream.ts';
import { createStreamWriter } from '#src/core/stream/stream-writer.ts';
import { checkPayload } from './requests.ts';

/** A delivery that was given up. */
export type DeadLetter = {
  requestId: string;
  function: string;
  /** The id of the destination, such as `http-0`. */
  destination: string;
  tries: number;
  reason: string;
  /** When it was given up, in milliseconds since the epoch. */
  at: number;
};

/** An invocation that failed. */
export type FailedInvocation = { requestId: string; function: string; condition: string; message: string; at: number };

export type RepairFilter = {
  function?: string | undefined;
  /** Dead letters only: the id of a destination, or the beginning that all of a kind share, such as `http`. */
  destination?: string | undefined;
  /** Failed invocations only. */
  condition?: string | undefined;
  /** Not before this time, in milliseconds since the epoch. */
  since?: number | undefined;
};

/**
 * Finding what went wrong, and having it tried again. What is dead is folded from the log: nothing can get lost in a queue. With
 * `function` only an invocation of it is meant: several functions may have one of the same id.
 */
export interface Repair {
  deadLetters(filter?: RepairFilter): Promise<DeadLetter[]>;
  failures(filter?: RepairFilter): Promise<FailedInvocation[]>;
  /**
   * Has the dead deliveries of an invocation tried again, or one of them; the function does not run again. Returns the ids of
   * their destinations. Throws `InvocationNotFoundError`, and `WrongStateError` when none of them is dead.
   */
  redeliver(id: string, destination?: string, options?: { function?: string }): Promise<string[]>;
  /**
   * Runs an invocation again, as a new one; each knows the other. Asking again before the first is recorded starts nothing
   * twice. It is of the trace of `traceparent`, or else of the first one's. Throws `InvalidInputError`, `InvocationNotFoundError`, and `WrongStateError` while it is not over.
   */
  redrive(id: string, options?: { payload?: string; function?: string; traceparent?: string | undefined }): Promise<string>;
}

export type RepairOptions = {
  log: EventLog;
  hints: Hints;
  clock: Clock;
  by: string;
  appendId: () => string;
};

export function createRepair({ log, hints, clock, by, appendId }: RepairOptions): Repair {
  async function open(id: string, functionName?: string): Promise<{ state: StreamState; invocation: Invocation }> {
    const stream = streamOf(parseRequestId(id));
    const name = functionName === undefined ? await log.find(stream) : { function: parseFunctionName(functionName), stream };
    const state = name === undefined ? undefined : await loadStream(log, name);
    const invocation = state?.invocations.get(id);
    if (state === undefined || invocation === undefined) throw new InvocationNotFoundError({ id });
    return { state, invocation };
  }

  async function scan(onFact: (fact: Fact, functionName: string) => void): Promise<void> {
    const last = await log.lastSequence();
    if (last === 0) return;
    const stop = new AbortController();
    await log.followFully(
      1,
      (entry) => {
        if (entry.kind === 'append') for (const fact of entry.append.facts) onFact(fact, entry.name.function);
        if (entry.sequence >= last) stop.abort();
      },
      stop.signal,
    );
  }

  return {
    async deadLetters({ function: name, destination, since = 0 } = {}) {
      const dead = new Map<string, DeadLetter>();
      await scan((fact, functionName) => {
        const key = `${fact.invocation}/${'destination' in fact ? fact.destination : ''}`;
        if (fact.type === 'delivery.redriven') dead.delete(key);
        if (fact.type !== 'delivery.dead') return;
        const { invocation, destination: target, try: tries, reason, at } = fact;
        dead.set(key, { requestId: invocation, function: functionName, destination: target, tries, reason, at });
      });
      return [...dead.values()].filter(
        (letter) =>
          letter.at >= since &&
          (name === undefined || letter.function === name) &&
          (destination === undefined || matches(letter.destination, destination)),
      );
    },

    async failures({ function: name, condition, since = 0 } = {}) {
      const found = new Map<string, FailedInvocation>();
      await scan((fact, functionName) => {
        if (fact.type === 'redriven') found.delete(fact.invocation);
        if (fact.type !== 'failed' || fact.at < since) return;
        if ((name !== undefined && functionName !== name) || (condition !== undefined && fact.condition !== condition)) return;
        const { invocation, condition: why, failure, at } = fact;
        found.set(invocation, { requestId: invocation, function: functionName, condition: why, message: failure.message, at });
      });
      return [...found.values()];
    },

    async redeliver(id, destination, options = {}) {
      const { state, invocation } = await open(id, options.function);
      const writer = createStreamWriter({ log, state, by, appendId, clock });
      const wanted = (invocation.context.outcome?.destinations ?? []).filter(
        ({ id: one }) => destination === undefined || matches(one, destination),
      );
      const redriven: string[] = [];
      for (const one of wanted) {
        const delivery = deliveryOf(invocation.context, one.id);
        if (delivery?.value !== 'dead') continue;
        const fact = { invocation: id, destination: one.id, try: delivery.context.tries, at: clock.now() };
        if ((await writer.propose(id, [{ type: 'delivery.redriven', ...fact }])) !== undefined) redriven.push(one.id);
      }
      if (redriven.length === 0)
        throw new WrongStateError({ what: `no delivery of ${id}${destination === undefined ? '' : ` to ${destination}`} is dead` });
      hints.deliver(state.name, state.request.sequence, `${state.name.stream}.${writer.state.version}`);
      return redriven;
    },

    async redrive(id, { payload, traceparent, function: functionName } = {}) {
      const { state, invocation } = await open(id, functionName);
      const request = requestOf(state, id);
      if (request === undefined) throw new InvocationNotFoundError({ id });
      if (invocation.value !== 'notified')
        throw new WrongStateError({ what: `invocation ${id} is ${String(invocation.value)}, and not over yet` });
      const redrive = derivedId(`${id}/redrive/${invocation.context.redrives.length + 1}`);
      const name = { function: parseFunctionName(request.fact.function), stream: streamOf(redrive) };
      const { qualifier, traceparent: first } = request.fact;
      const trace = traceparent ?? first;
      const content = { payload: payload === undefined ? request.payload : checkPayload(payload), qualifier };
      await log.accept(name, [
        { id: redrive, ...content, redriveOf: id as RequestId, ...(trace === undefined ? {} : { traceparent: trace }) },
      ]);
      const writer = createStreamWriter({ log, state, by, appendId, clock });
      await writer.propose(id, [{ type: 'redriven', invocation: id, at: clock.now(), redrive }]);
      return redrive;
    },
  };
}

function matches(id: string, wanted: string): boolean {
  return id === wanted || id.replace(/-\d+$/, '') === wanted.toLowerCase();
}
