import type { Outcome, Terms } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { failedFact, withDestinations } from '#machines/outcome.ts';
import { FunctionNotFoundError, InvalidInputError, InvocationNotFoundError, WrongStateError } from '#src/core/errors.ts';
import { termsOf } from '#src/core/functions/definition.ts';
import { resolveFunction } from '#src/core/functions/entry.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { derivedId, streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseFunctionName, parseRequestId } from '#src/core/names/names.ts';
import type { Cancellations } from '#src/core/ports/cancellations.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { createStreamWriter, type StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';
import type { FindQueued } from './invocations.ts';

export type CancelOptions = {
  log: EventLog;
  hints: Hints;
  cancellations: Cancellations;
  clock: Clock;
  by: string;
  appendId: () => string;
  findQueued: FindQueued;
  functions: Pick<FunctionRegistry, 'get'>;
};

/** Cancels invocations. */
export interface Cancel {
  /**
   * Ends one invocation with the condition `InvocationCanceled`. A waiting invocation never runs; a running execution is aborted. Other
   * invocations of the same batch are not changed. Returns the ids of the cancelled invocations.
   *
   * With `recursive`, an invocation that is over does not fail the call: the invocations that its outcome started are cancelled. With
   * `function`, only an invocation of that function is cancelled.
   *
   * Throws `InvalidInputError`, `InvocationNotFoundError`, and `WrongStateError` when the invocation is over.
   */
  cancel(id: string, options?: { recursive?: boolean; reason?: string; function?: string }): Promise<string[]>;
}

/** The outcome of an invocation, and whether this call appended it. */
type Ended = { outcome: Outcome; isCanceled: boolean };

export function createCancel(options: CancelOptions): Cancel {
  async function end(id: string, reason: string, functionName?: FunctionName): Promise<Ended | undefined> {
    const writer = await openWriter(id, functionName, options);
    return writer === undefined ? undefined : await endIn(writer, { id, reason }, options);
  }

  async function endDescendants(id: string, outcome: Outcome, reason: string): Promise<string[]> {
    const canceled: string[] = [];
    const remaining = childrenOf(id, outcome);
    for (let child = remaining.shift(); child !== undefined; child = remaining.shift()) {
      const ended = await end(child, `${reason}, with ${id}, which led to it`);
      if (ended?.isCanceled) canceled.push(child);
      else if (ended !== undefined) remaining.push(...childrenOf(child, ended.outcome));
    }
    return canceled;
  }

  return {
    async cancel(id, { recursive = false, reason = 'it was cancelled', function: name } = {}) {
      const ended = await end(id, reason, name === undefined ? undefined : parseFunctionName(name));
      if (ended === undefined) throw new InvocationNotFoundError({ id });
      if (ended.isCanceled) return [id];
      if (recursive) return await endDescendants(id, ended.outcome, reason);
      throw new WrongStateError({ what: `invocation ${id} is over already` });
    },
  };
}

async function endIn(
  writer: StreamWriter,
  { id, reason }: { id: string; reason: string },
  { hints, cancellations, clock, functions }: CancelOptions,
): Promise<Ended | undefined> {
  for (;;) {
    const invocation = writer.state.invocations.get(id);
    if (invocation === undefined) return undefined;
    const { outcome, worker, attempts } = invocation.context;
    if (outcome !== null) return { outcome, isCanceled: false };
    const terms = await termsFor(invocation, functions);
    const fact = withDestinations(failedFact('InvocationCanceled', { invocation, at: clock.now(), message: reason }), terms);
    // If the machine refuses, the invocation has changed meanwhile. Decide again from its new state (E3).
    if ((await writer.propose(id, [fact])) === undefined) continue;
    if (worker !== null) cancellations.announce(worker, id, attempts);
    const { name, request, version } = writer.state;
    // A worker of the function publishes the result and starts the deliveries.
    hints.wake(name, request.sequence, `${name.stream}.${version}.canceled`);
    return { outcome: fact, isCanceled: true };
  }
}

/** The terms of the invocation, or those of the function's present definition if no attempt has started. */
async function termsFor({ context }: Invocation, functions: CancelOptions['functions']): Promise<Terms | undefined> {
  const { terms, request } = context;
  if (terms !== null || request === null) return terms ?? undefined;
  try {
    const fn = resolveFunction(await functions.get(request.function), request.qualifier, request.invocation);
    return fn === undefined ? undefined : termsOf(fn, request.qualifier);
  } catch (error) {
    if (error instanceof FunctionNotFoundError || error instanceof InvalidInputError) return undefined;
    throw error;
  }
}

async function openWriter(
  id: string,
  functionName: FunctionName | undefined,
  { log, by, appendId, clock, findQueued }: CancelOptions,
): Promise<StreamWriter | undefined> {
  const stream = streamOf(parseRequestId(id));
  const found = functionName === undefined ? await log.find(stream) : { function: functionName, stream };
  const queued = await findQueued(stream, found?.function);
  const name = found ?? queued?.name;
  const state = name === undefined ? undefined : await loadStream(log, name, queued?.request);
  return state === undefined ? undefined : createStreamWriter({ log, state, by, appendId, clock });
}

/** The invocations that an outcome started. Their ids derive from the ids of its deliveries. */
function childrenOf(id: string, { destinations = [] }: Outcome): string[] {
  return destinations.filter(({ destination }) => destination === 'FunctionGraph').map((one) => derivedId(`${id}/${one.id}`));
}
