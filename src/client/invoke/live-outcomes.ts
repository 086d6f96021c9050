import { randomBytes } from 'node:crypto';
import { deferred } from '#src/core/deferred.ts';
import { TimedOutError } from '#src/core/errors.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import { createStreamId } from '#src/core/names/ids.ts';
import { type FunctionName, parseFunctionName, parseRequestId } from '#src/core/names/names.ts';
import type { ExpectOutcome } from './invoke.ts';
import { type ResultWaiterOptions, readEnvelope } from './results.ts';

/** An outcome that will arrive. An object, because a promise of a promise would wait for the outcome. */
type Expected = { outcome: Promise<Envelope> };

/** Outcomes as they are published, for a client that may not read the log. An outcome that was published before is never received. */
export interface LiveOutcomes {
  /** Resolves when the outcome will be received, if it is published from now on. Throws `NotPermittedError`. */
  expect(name: FunctionName | '*', id: string): Promise<Expected>;
}

/** More invocations without an outcome are not followed. The oldest one is forgotten first; waiting for it then times out. */
const MAX_EXPECTED = 100_000;

export function createLiveOutcomes(subscribe: ResultWaiterOptions['subscribe']): LiveOutcomes {
  const expected = new Map<string, Expected & { resolve: (envelope: Envelope) => void }>();
  const subscriptions = new Map<string, Promise<void>>();
  const keyOf = (channel: string, id: string): string => `${channel}/${id}`;

  function onResult(key: string, text: string): void {
    const envelope = expected.has(key) ? readEnvelope(text) : undefined;
    if (envelope === undefined) return;
    expected.get(key)?.resolve(envelope);
    // The caller alone holds the envelope from now on.
    expected.delete(key);
  }

  return {
    async expect(name, id) {
      const subscription = subscriptions.get(name) ?? subscribe(name, (requestId, text) => onResult(keyOf(name, requestId), text));
      // A refusal stays: a client without the permission would otherwise make a round trip for each request.
      subscriptions.set(name, subscription);
      await subscription;
      const key = keyOf(name, id);
      const known = expected.get(key);
      if (known !== undefined) return known;
      const [oldest] = expected.size < MAX_EXPECTED ? [] : expected.keys();
      if (oldest !== undefined) expected.delete(oldest);
      const created = deferred<Envelope>();
      const entry = { outcome: created.promise, resolve: created.resolve };
      expected.set(key, entry);
      return entry;
    },
  };
}

/** Expects outcomes for the requests of a client. A missing permission for results fails the wait, and not the request. */
export function expectOutcomes(live: LiveOutcomes): ExpectOutcome {
  return async (name, given) => {
    const id = given ?? createStreamId(Date.now(), randomBytes(8));
    const expected = await live.expect(name, id).catch((error: unknown) => ({ outcome: refused(error) }));
    return { id, outcome: (timeoutInMs) => outcomeWithin(expected, { id, timeoutInMs }) };
  };
}

type WaitOptions = { id: string; functionName: string | undefined; timeoutInMs: number; signal?: AbortSignal | undefined };

/** Waits for an outcome that is published from now on. Throws `TimedOutError` and `NotPermittedError`. */
export async function liveOutcome(live: LiveOutcomes, { id, functionName, ...limits }: WaitOptions): Promise<Envelope> {
  const name = functionName === undefined ? '*' : parseFunctionName(functionName);
  return await outcomeWithin(await live.expect(name, parseRequestId(id)), { id, ...limits });
}

async function outcomeWithin({ outcome }: Expected, { id, timeoutInMs, signal }: Omit<WaitOptions, 'functionName'>): Promise<Envelope> {
  signal?.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => {};
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimedOutError({ what: `the outcome of ${id}`, afterMs: timeoutInMs })), timeoutInMs);
    onAbort = () => reject(signal?.reason);
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  return await Promise.race([outcome, late]).finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  });
}

/** A rejection that is no unhandled one when nothing waits for the outcome. */
function refused(error: unknown): Promise<never> {
  const refusal = Promise.reject(error);
  refusal.catch(() => {});
  return refusal;
}
