import type { Invocation } from '#machines/invocation.ts';
import { openTexts } from '#src/core/encryption/open-texts.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { InvocationNotFoundError, WrongStateError } from '#src/core/errors.ts';
import type { EventLog, NewRequest } from '#src/core/log/event-log.ts';
import { redriveIdOf } from '#src/core/names/delivery-ids.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { parseFunctionName, type RequestId } from '#src/core/names/names.ts';
import type { LargePayloads } from '#src/core/payloads/large-payloads.ts';
import { isReference } from '#src/core/payloads/payload-reference.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import { loadStream, requestOf, type StreamState } from '#src/core/stream/stream.ts';
import { createStreamWriter } from '#src/core/stream/stream-writer.ts';
import { type DeadLetter, type FailedInvocation, type RepairFilter, scanDeadLetters, scanFailures } from './failures.ts';
import { type FindStreamOptions, findStream, type Owner } from './find-stream.ts';
import { checkPayload } from './requests.ts';
import { createDeliverySettler, type DeliverySettler } from './settle-deliveries.ts';

/**
 * Finds failures, and redrives them. The failures are folded from the log, so no queue can lose one.
 *
 * Several functions may have an invocation with the same id. Without `function`, both ways to redrive then throw `AmbiguousIdError`.
 */
export interface Repair extends DeliverySettler {
  deadLetters(filter?: RepairFilter): Promise<DeadLetter[]>;
  failures(filter?: RepairFilter): Promise<FailedInvocation[]>;
  /**
   * Redrives an invocation with an outcome as a new one, and records each in the other. A repetition before the first is recorded starts nothing.
   * The new invocation belongs to the trace of `traceparent`, or else to the trace of the first invocation. With `batch`, it is a member of
   * that batch.
   *
   * Throws `InvalidInputError`, `InvocationNotFoundError`, `PayloadUnavailableError`, and `WrongStateError` while the invocation has no outcome.
   */
  redrive(
    id: string,
    options?: Owner & { payload?: string; traceparent?: string | undefined; batch?: string | undefined },
  ): Promise<string>;
}

export type RepairOptions = FindStreamOptions & {
  log: EventLog;
  /** Opens what failures say, and seals payloads. */
  payloads?: PayloadSealer;
  /** Copies the large payload of an invocation that is redriven. */
  large?: Pick<LargePayloads, 'copy'>;
  hints: Hints;
  clock: Clock;
  by: string;
  appendId: () => string;
};

export function createRepair(options: RepairOptions): Repair {
  const { log, payloads, large, clock, by, appendId } = options;
  async function open(id: string, owner: Owner): Promise<{ state: StreamState; invocation: Invocation }> {
    const state = await loadStream(log, await findStream(id, owner, options));
    const invocation = state?.invocations.get(id);
    if (state === undefined || invocation === undefined) throw new InvocationNotFoundError({ id });
    return { state, invocation };
  }

  /** A large payload is copied, because it goes with its invocation (BIG2). */
  async function payloadOf({ name, id, redrive, chosen }: { name: string; id: string; redrive: string; chosen: string }): Promise<string> {
    if (large === undefined || !isReference(chosen)) return payloads?.sealAgain(name, chosen, redrive) ?? chosen;
    return await large.copy({ function: name, invocation: id }, { function: name, invocation: redrive }, chosen);
  }

  return {
    async deadLetters(filter = {}) {
      const dead = openTexts(payloads, await scanDeadLetters(log, filter), '');
      // A sealed reason can be compared only after it was opened.
      const part = filter.reason?.toLowerCase();
      return part === undefined ? dead : dead.filter(({ reason }) => reason.toLowerCase().includes(part));
    },
    failures: async (filter = {}) => openTexts(payloads, await scanFailures(log, filter), ''),

    ...createDeliverySettler({ ...options, open }),

    async redrive(id, { payload, traceparent, batch, ...owner } = {}) {
      const { state, invocation } = await open(id, owner);
      const request = requestOf(state, id);
      if (request === undefined) throw new InvocationNotFoundError({ id });
      const { opens } = request.fact;
      if (opens !== undefined) throw new WrongStateError({ what: `${id} opened the batch ${opens.batch}: redrive the batch` });
      if (invocation.context.outcome === null)
        throw new WrongStateError({ what: `invocation ${id} is ${String(invocation.value)}, and has no outcome yet` });
      const redrive = redriveIdOf(id, invocation.context.redrives.length + 1);
      const { function: fn, qualifier, traceparent: firstTrace, flowKey, priority } = request.fact;
      const trace = traceparent ?? firstTrace;
      const chosen = payload === undefined ? request.payload : checkPayload(payload);
      await log.accept({ function: parseFunctionName(fn), stream: streamOf(redrive) }, [
        {
          id: redrive,
          payload: await payloadOf({ name: fn, id, redrive, chosen }),
          qualifier,
          redriveOf: id as RequestId,
          ...given({ traceparent: trace, batch, flowKey, priority }),
        },
      ]);
      const writer = createStreamWriter({ log, state, by, appendId, clock });
      const early = invocation.value === 'notified' ? {} : { isEarly: true as const };
      await writer.propose(id, [{ type: 'redriven', invocation: id, at: clock.now(), redrive, ...early }]);
      return redrive;
    },
  };
}

type Given = 'traceparent' | 'batch' | 'flowKey' | 'priority';

/** The fields that are given. */
function given(fields: { [Name in Given]: NewRequest[Name] | undefined }): Pick<NewRequest, Given> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
