import { deliveryOf } from '#machines/deliveries.ts';
import type { Invocation } from '#machines/invocation.ts';
import { InvocationNotFoundError, WrongStateError } from '#src/core/errors.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { redriveIdOf } from '#src/core/names/delivery-ids.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { parseFunctionName, type RequestId } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import { loadStream, requestOf, type StreamState } from '#src/core/stream/stream.ts';
import { createStreamWriter } from '#src/core/stream/stream-writer.ts';
import {
  type DeadLetter,
  destinationMatches,
  type FailedInvocation,
  type RepairFilter,
  scanDeadLetters,
  scanFailures,
} from './failures.ts';
import { type FindStreamOptions, findStream, type Owner } from './find-stream.ts';
import { checkPayload } from './requests.ts';

/**
 * Finds failures, and redrives them. The failures are folded from the log, so no queue can lose one.
 *
 * Several functions may have an invocation with the same id. Without `function`, both ways to redrive then throw `AmbiguousIdError`.
 */
export interface Repair {
  deadLetters(filter?: RepairFilter): Promise<DeadLetter[]>;
  failures(filter?: RepairFilter): Promise<FailedInvocation[]>;
  /**
   * Redrives the dead deliveries of an invocation, or those to one destination. The function does not run again. Returns the ids of the
   * destinations. Throws `InvocationNotFoundError`, and `WrongStateError` when none of these deliveries is dead.
   */
  redeliver(id: string, destination?: string, options?: Owner): Promise<string[]>;
  /**
   * Redrives a finished invocation as a new one, and records each in the other. A repetition before the first is recorded starts nothing.
   * The new invocation belongs to the trace of `traceparent`, or else to the trace of the first invocation.
   *
   * Throws `InvalidInputError`, `InvocationNotFoundError`, and `WrongStateError` while the invocation is not over.
   */
  redrive(id: string, options?: Owner & { payload?: string; traceparent?: string | undefined }): Promise<string>;
}

export type RepairOptions = FindStreamOptions & {
  log: EventLog;
  hints: Hints;
  clock: Clock;
  by: string;
  appendId: () => string;
};

export function createRepair(options: RepairOptions): Repair {
  const { log, hints, clock, by, appendId } = options;
  async function open(id: string, owner: Owner): Promise<{ state: StreamState; invocation: Invocation }> {
    const state = await loadStream(log, await findStream(id, owner, options));
    const invocation = state?.invocations.get(id);
    if (state === undefined || invocation === undefined) throw new InvocationNotFoundError({ id });
    return { state, invocation };
  }

  return {
    deadLetters: (filter = {}) => scanDeadLetters(log, filter),
    failures: (filter = {}) => scanFailures(log, filter),

    async redeliver(id, destination, owner = {}) {
      const { state, invocation } = await open(id, owner);
      const writer = createStreamWriter({ log, state, by, appendId, clock });
      const redriven: string[] = [];
      for (const { destination: one, tries } of deadDeliveriesOf(invocation, destination)) {
        const fact = { type: 'delivery.redriven', invocation: id, destination: one, try: tries, at: clock.now() } as const;
        if ((await writer.propose(id, [fact])) !== undefined) redriven.push(one);
      }
      if (redriven.length === 0)
        throw new WrongStateError({ what: `no delivery of ${id}${destination === undefined ? '' : ` to ${destination}`} is dead` });
      hints.deliver(state.name, state.request.sequence, `${state.name.stream}.${writer.state.version}`);
      return redriven;
    },

    async redrive(id, { payload, traceparent, ...owner } = {}) {
      const { state, invocation } = await open(id, owner);
      const request = requestOf(state, id);
      if (request === undefined) throw new InvocationNotFoundError({ id });
      if (invocation.value !== 'notified')
        throw new WrongStateError({ what: `invocation ${id} is ${String(invocation.value)}, and not over yet` });
      const redrive = redriveIdOf(id, invocation.context.redrives.length + 1);
      const { function: fn, qualifier, traceparent: firstTrace } = request.fact;
      const trace = traceparent ?? firstTrace;
      await log.accept({ function: parseFunctionName(fn), stream: streamOf(redrive) }, [
        {
          id: redrive,
          payload: payload === undefined ? request.payload : checkPayload(payload),
          qualifier,
          redriveOf: id as RequestId,
          ...(trace === undefined ? {} : { traceparent: trace }),
        },
      ]);
      const writer = createStreamWriter({ log, state, by, appendId, clock });
      await writer.propose(id, [{ type: 'redriven', invocation: id, at: clock.now(), redrive }]);
      return redrive;
    },
  };
}

function deadDeliveriesOf({ context }: Invocation, wanted: string | undefined): { destination: string; tries: number }[] {
  const found: { destination: string; tries: number }[] = [];
  for (const { id } of context.outcome?.destinations ?? []) {
    const delivery = deliveryOf(context, id);
    if (delivery?.value === 'dead' && destinationMatches(id, wanted)) found.push({ destination: id, tries: delivery.context.tries });
  }
  return found;
}
