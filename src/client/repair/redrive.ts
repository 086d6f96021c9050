import type { Invocation } from '#machines/invocation.ts';
import type { Owner } from '#src/client/history/find-stream.ts';
import { checkPayload } from '#src/client/invoke/requests.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { InvocationNotFoundError, WrongStateError } from '#src/core/errors.ts';
import type { Accepted, AcceptedRequest, EventLog, NewRequest } from '#src/core/log/event-log.ts';
import { redriveIdOf } from '#src/core/names/delivery-ids.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { parseFunctionName, type RequestId } from '#src/core/names/names.ts';
import type { LargePayloads } from '#src/core/payloads/large-payloads.ts';
import { isReference } from '#src/core/payloads/payload-reference.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { requestOf, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';

type RedriveOptions = Owner & { payload?: string; traceparent?: string | undefined; batch?: string | undefined };

/** Redrives invocations. */
export interface Redriver {
  /**
   * Redrives the invocation with this `id` and an outcome as a new one, and records each in the other. A repetition before the first is recorded starts nothing.
   * The new invocation belongs to the trace of `traceparent`, or else to the trace of the first invocation. With `batch`, it is a member of
   * that batch.
   *
   * Throws `InvalidInputError`, `InvocationNotFoundError`, `PayloadUnavailableError`, and `WrongStateError` while the invocation has no outcome,
   * for the request that opened a batch, and for an own event when another caller redrives the invocation at the same time.
   */
  redrive(id: string, options?: RedriveOptions): Promise<string>;
  /**
   * Like `redrive`, for an invocation that was not redriven before. Resolves to `undefined`, and starts nothing, when the invocation was
   * redriven, or when another caller redrives the invocation at the same time. Throws as `redrive`.
   *
   * @param id The invocation that is redriven.
   */
  redriveOnce(id: string, options?: Omit<RedriveOptions, 'payload'>): Promise<string | undefined>;
}

type RedriverOptions = {
  log: EventLog;
  payloads?: PayloadSealer;
  large?: Pick<LargePayloads, 'copy'>;
  clock: Clock;
  by: string;
  appendId: () => string;
  open: (id: string, owner: Owner) => Promise<{ state: StreamState; invocation: Invocation }>;
};

/** An invocation that may be redriven, and the number of its next redrive. All parts come from one read. */
type Redrivable = { id: string; state: StreamState; request: AcceptedRequest; isNotified: boolean; number: number };
type Content = Omit<RedriveOptions, keyof Owner>;

export function createRedriver({ log, payloads, large, clock, by, appendId, open }: RedriverOptions): Redriver {
  async function find(id: string, owner: Owner): Promise<Redrivable> {
    const { state, invocation } = await open(id, owner);
    const request = requestOf(state, id);
    if (request === undefined) throw new InvocationNotFoundError({ id });
    const { opens } = request.fact;
    if (opens !== undefined) throw new WrongStateError({ what: `${id} opened the batch ${opens.batch}: redrive the batch` });
    const { value, context } = invocation;
    if (context.outcome === null) throw new WrongStateError({ what: `invocation ${id} is ${String(value)}, and has no outcome yet` });
    return { id, state, request, isNotified: value === 'notified', number: context.redrives.length + 1 };
  }

  /** Simultaneous redrives of an invocation have one number, and therefore one id. The log stores the first request of them. */
  async function start(found: Redrivable, content: Content): Promise<{ redrive: string; isRepeated: boolean }> {
    const redrive = redriveIdOf(found.id, found.number);
    const { isRepeated = false } = await send(found, redrive, content);
    await record(found, redrive);
    return { redrive, isRepeated };
  }

  async function send({ id, request }: Redrivable, redrive: RequestId, { payload, traceparent, batch }: Content): Promise<Accepted> {
    const { function: fn, qualifier, traceparent: firstTrace, flowKey, priority } = request.fact;
    const trace = traceparent ?? firstTrace;
    const chosen = payload === undefined ? request.payload : checkPayload(payload);
    return await log.accept({ function: parseFunctionName(fn), stream: streamOf(redrive) }, [
      {
        id: redrive,
        payload: await payloadOf({ name: fn, id, redrive, chosen }),
        qualifier,
        redriveOf: id as RequestId,
        once: true,
        ...given({ traceparent: trace, batch, flowKey, priority }),
      },
    ]);
  }

  /** A large payload is copied, because it goes with its invocation (BIG2). */
  async function payloadOf({ name, id, redrive, chosen }: { name: string; id: string; redrive: string; chosen: string }): Promise<string> {
    if (large === undefined || !isReference(chosen)) return payloads?.sealAgain(name, chosen, redrive) ?? chosen;
    return await large.copy({ function: name, invocation: id }, { function: name, invocation: redrive }, chosen);
  }

  /** Every simultaneous caller proposes the record, because the caller whose request the log stored may have ended. The log accepts one (PROP5). */
  async function record({ id, state, isNotified }: Redrivable, redrive: string): Promise<void> {
    const writer = new StreamWriter({ log, state, by, appendId, clock });
    const early = isNotified ? {} : { isEarly: true as const };
    const isMissing = ({ context: { redrives } }: Invocation): boolean => !redrives.includes(redrive);
    await writer.propose(id, [{ type: 'redriven', invocation: id, at: clock.now(), redrive, ...early }], undefined, isMissing);
  }

  return {
    async redrive(id, { payload, traceparent, batch, ...owner } = {}) {
      const content = { traceparent, batch, ...(payload === undefined ? {} : { payload }) };
      const { redrive, isRepeated } = await start(await find(id, owner), content);
      // The log stored the event of the other caller, and not that of this call.
      if (isRepeated && payload !== undefined) throw new WrongStateError({ what: wasRedriven(id, redrive) });
      return redrive;
    },

    async redriveOnce(id, { traceparent, batch, ...owner } = {}) {
      const found = await find(id, owner);
      if (found.number > 1) return undefined;
      const { redrive, isRepeated } = await start(found, { traceparent, batch });
      return isRepeated ? undefined : redrive;
    },
  };
}

function wasRedriven(id: string, redrive: string): string {
  return `invocation ${id} was redriven by another caller at the same time, as ${redrive}, and this event was not used; repeat the redrive to use it`;
}

type OptionalField = 'traceparent' | 'batch' | 'flowKey' | 'priority';

/** The fields that are given. */
function given(fields: { [Name in OptionalField]: NewRequest[Name] | undefined }): Pick<NewRequest, OptionalField> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
