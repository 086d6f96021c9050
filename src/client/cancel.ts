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

/** Ends invocations that are not over yet. */
export interface Cancel {
  /**
   * Ends exactly this invocation, with the condition `InvocationCanceled`: what is queued or waits for a retry never runs, what
   * runs is given up. Its neighbours are not touched. Returns the ids that were ended.
   *
   * With `recursive` the invocations that its outcome started are ended too. With `function` only an invocation of it is meant. Throws `InvalidInputError`,
   * `InvocationNotFoundError`, and `WrongStateError` when it is over already.
   */
  cancel(id: string, options?: { recursive?: boolean; reason?: string; function?: string }): Promise<string[]>;
}

/** An outcome that was found, or made. */
type Ended = { outcome: Outcome; isCanceled: boolean };

export function createCancel(options: CancelOptions): Cancel {
  const { hints, cancellations, clock, functions } = options;

  async function end(id: string, reason: string, functionName?: FunctionName): Promise<Ended | undefined> {
    const writer = await openWriter(id, functionName, options);
    return writer === undefined ? undefined : await endIn(writer, id, reason);
  }

  async function endIn(writer: StreamWriter, id: string, reason: string): Promise<Ended | undefined> {
    for (;;) {
      const invocation = writer.state.invocations.get(id);
      if (invocation === undefined) return undefined;
      const { outcome, worker, attempts } = invocation.context;
      if (outcome !== null) return { outcome, isCanceled: false };
      const terms = await termsFor(invocation, functions);
      const fact = withDestinations(failedFact('InvocationCanceled', { invocation, at: clock.now(), message: reason }), terms);
      // Refused: it went on meanwhile. Look at what it is now.
      if ((await writer.propose(id, [fact])) === undefined) continue;
      if (worker !== null) cancellations.announce(worker, id, attempts);
      const { name, request, version } = writer.state;
      // Somebody must publish the result and tell the destinations: whoever works for the function.
      hints.wake(name, request.sequence, `${name.stream}.${version}.canceled`);
      return { outcome: fact, isCanceled: true };
    }
  }

  async function endDescendants(id: string, outcome: Outcome, reason: string): Promise<string[]> {
    const canceled: string[] = [];
    const open = childrenOf(id, outcome);
    for (let child = open.shift(); child !== undefined; child = open.shift()) {
      const ended = await end(child, `${reason}, with ${id}, which led to it`);
      if (ended?.isCanceled) canceled.push(child);
      else if (ended !== undefined) open.push(...childrenOf(child, ended.outcome));
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

/** What it runs under, or would: those of its definition are told about one that never ran. */
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

/** The invocations that an outcome started: their ids derive from its deliveries. */
function childrenOf(id: string, { destinations = [] }: Outcome): string[] {
  return destinations.filter(({ destination }) => destination === 'FunctionGraph').map((one) => derivedId(`${id}/${one.id}`));
}
