import { type FindStreamOptions, findStream, type Owner } from '#src/client/history/find-stream.ts';
import { loadOpenStream } from '#src/client/history/load-open-stream.ts';
import { InvocationNotFoundError, WrongStateError } from '#src/core/errors.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { childIdOf, deliveryIdOf } from '#src/core/names/delivery-ids.ts';
import { type FunctionName, functionIn, splitName } from '#src/core/names/names.ts';
import { parseFunctionUrn } from '#src/core/names/urn.ts';
import { type CancelPorts, cancelInvocation, type Ended } from '#src/core/stream/cancel-invocation.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';

export type CancelOptions = FindStreamOptions &
  Omit<CancelPorts, 'findFunction'> & {
    log: EventLog;
    by: string;
    appendId: () => string;
    functions: Pick<FunctionRegistry, 'get'>;
  };

/** Cancels invocations. */
export interface Cancel {
  /**
   * Ends the invocation with this `id` with the condition `InvocationCanceled`. A waiting invocation never runs; a running execution is aborted. Other
   * invocations of the same batch are not changed. Returns the ids of the cancelled invocations.
   *
   * With `recursive`, an invocation that is over does not fail the call: the invocations that its outcome started are cancelled. With
   * `function`, only an invocation of that function is cancelled.
   *
   * Throws `InvalidInputError`, `InvocationNotFoundError`, `AmbiguousIdError`, and `WrongStateError` when the invocation is over.
   */
  cancel(id: string, options?: Owner & { recursive?: boolean; reason?: string }): Promise<string[]>;
}

export function createCancel(options: CancelOptions): Cancel {
  const findFunction = (name: string): Promise<FunctionEntry> => options.functions.get(name);

  async function end(id: string, reason: string, owner: Owner): Promise<Ended | undefined> {
    const writer = await openWriter(id, owner, options);
    return writer === undefined ? undefined : await cancelInvocation(writer, { id, reason }, { ...options, findFunction });
  }

  async function endDescendants(id: string, ended: Ended, reason: string): Promise<string[]> {
    const canceled: string[] = [];
    const remaining = childrenOf(ended);
    for (let child = remaining.shift(); child !== undefined; child = remaining.shift()) {
      const next = await end(child.id, `${reason}, with ${id}, which led to it`, child).catch(ignoreMissing);
      if (next?.isCanceled) canceled.push(child.id);
      else if (next !== undefined) remaining.push(...childrenOf(next));
    }
    return canceled;
  }

  return {
    async cancel(id, { recursive = false, reason = 'it was cancelled', ...owner } = {}) {
      const ended = await end(id, reason, owner);
      if (ended === undefined) throw new InvocationNotFoundError({ id });
      if (ended.isCanceled) return [id];
      if (recursive) return await endDescendants(id, ended, reason);
      throw new WrongStateError({ what: `invocation ${id} is over already` });
    },
  };
}

async function openWriter(id: string, owner: Owner, options: CancelOptions): Promise<StreamWriter | undefined> {
  const { log, by, appendId, clock } = options;
  const name = await findStream(id, owner, options);
  const state = await loadOpenStream(name, options);
  return state === undefined ? undefined : new StreamWriter({ log, state, by, appendId, clock });
}

/** The invocations that an outcome started. Their ids derive from the ids of its deliveries. */
function childrenOf({ outcome, function: parent }: Ended): { id: string; function: FunctionName }[] {
  return (outcome.destinations ?? []).flatMap(({ destination, param, id: one }) => {
    const name = destination === 'FunctionGraph' ? functionNamed(param, parent) : undefined;
    return name === undefined ? [] : [{ id: childIdOf(deliveryIdOf(parent, outcome, one)), function: name }];
  });
}

/** The function of a destination, which is of the project of the function before it. */
function functionNamed(param: string, parent: FunctionName): FunctionName | undefined {
  try {
    const { func_urn: urn } = JSON.parse(param) as { func_urn?: unknown };
    return functionIn(splitName(parent).project, parseFunctionUrn(String(urn)).name);
  } catch {
    // A delivery to this destination ends dead, and starts nothing.
    return undefined;
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof InvocationNotFoundError)) throw error;
}
