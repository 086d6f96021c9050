import { randomUUID } from 'node:crypto';
import type { EarlierRequest, Timeline } from '#src/client/client.ts';
import { InvalidInputError, InvocationNotFoundError, NatsUnavailableError, type UnknownOutcomeError } from '#src/core/errors.ts';
import { fallback } from '#src/core/fallback.ts';
import { type DueOptions, deliverAtOf, readDueTime } from '#src/core/log/requests/due-time.ts';
import { canBeBrought, isCreatedId, isKeyedForm, keyedId } from '#src/core/names/ids.ts';
import { isRequestId } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { isReference } from '#src/core/payloads/payload-reference.ts';
import { HttpError } from './http/http-error.ts';
import type { Call, Gateway } from './ports.ts';
import type { Scope } from './scope.ts';

/** A request with an idempotency key; `id` is the request id that the key stands for. */
type KeyedRequest = {
  name: string;
  id: string;
  /** The request whose repetition the key asks for. */
  repeats?: string | undefined;
  payload: string;
  options: { traceparent: string | undefined; qualifier: string | undefined } & DueOptions;
};

/**
 * Idempotency keys (draft-ietf-httpapi-idempotency-key-header-07). The key is the request id, so every gateway finds an earlier request
 * in the log. If that request is too new to be read, JetStream's deduplication finds it.
 */
export interface Idempotency {
  /**
   * Accepts the request unless one was accepted under its id before, or is the one that it repeats; returns whether one was, and its id.
   * Throws `HttpError` 422 when the earlier request had another event or due time, and 409 while this gateway is still accepting the earlier request.
   */
  accept(request: KeyedRequest): Promise<{ id: string; isRepeated: boolean }>;
}

/** The limit of the look-up of an earlier request. The publish after the look-up has a limit of its own. */
const LOOK_UP_WITHIN_MS = 5_000;

export function createIdempotency({ client, clock }: Gateway, sharedTurn: () => Promise<void>): Idempotency {
  const inProgress = new Set<string>();

  async function findEarlier({ name, id, repeats }: KeyedRequest): Promise<Earlier | undefined> {
    const known = await lookUp(name, id);
    if (known !== undefined || repeats === undefined) return known === undefined ? undefined : { id, ...(await requestOf(client, known)) };
    const repeated = await lookUp(name, repeats);
    const fact = repeated?.transitions[0]?.fact;
    // An invocation that follows from another one was not accepted under a key.
    const isKeyed = fact?.type === 'queued' && fact.lineage === undefined && fact.redriveOf === undefined;
    return repeated !== undefined && isKeyed ? { id: repeats, ...(await requestOf(client, repeated)) } : undefined;
  }

  async function lookUp(name: string, id: string): Promise<Timeline | undefined> {
    return await client.timeline(id, { function: name }).catch(fallback(undefined, InvocationNotFoundError));
  }

  return {
    async accept(request) {
      const { name, id, repeats, payload, options } = request;
      const key = `${name}/${id}`;
      if (inProgress.has(key))
        throw new HttpError({ status: 409, message: 'the first request of this Idempotency-Key is still in progress', retryAfterInS: 1 });
      inProgress.add(key);
      try {
        const startedAt = clock.now();
        const known = await findEarlier(request).catch((error: unknown) => {
          throw error instanceof NatsUnavailableError ? tooSlow(error) : error;
        });
        if (known === undefined && clock.now() - startedAt > LOOK_UP_WITHIN_MS) throw tooSlow();
        await sharedTurn();
        const earlier = known ?? earlierOf(await client.invokeOnce(name, payload, { id, repeats, ...options }));
        if (earlier === undefined) return { id, isRepeated: false };
        expectSame(earlier, request);
        return { id: earlier.id, isRepeated: true };
      } finally {
        inProgress.delete(key);
      }
    },
  };
}

type Earlier = EarlierRequest & { id: string };

function earlierOf({ requestId: id, earlier }: { requestId: string; earlier?: EarlierRequest }): Earlier | undefined {
  return earlier === undefined ? undefined : { id, ...earlier };
}

async function requestOf(client: Gateway['client'], timeline: Timeline): Promise<EarlierRequest> {
  const [first] = timeline.transitions;
  const payload = isReference(timeline.requestPayload) ? await client.requestPayload(timeline) : timeline.requestPayload;
  return { payload, at: first?.fact.at ?? 0, dueAt: first?.fact.type === 'queued' ? first.fact.dueAt : undefined };
}

/** Throws `HttpError` 422 when the earlier request is another one. */
function expectSame(earlier: EarlierRequest, request: KeyedRequest): void {
  const other = differenceOf(earlier, request);
  if (other !== undefined) throw new HttpError({ status: 422, message: `the Idempotency-Key was used before, with another ${other}` });
}

/** In what an earlier request of a key differs from a request; `undefined` when they are the same request. */
export function differenceOf(
  earlier: EarlierRequest,
  { payload, options }: { payload: string; options: DueOptions },
): 'event' | 'due time' | undefined {
  if (earlier.payload !== payload) return 'event';
  return isDueAt(earlier, options) ? undefined : 'due time';
}

/** Whether an earlier request is due when these options would have made it due. A delay is compared as a delay. */
function isDueAt({ at, dueAt }: EarlierRequest, options: DueOptions): boolean {
  const isDelayed = options.at !== undefined || options.delay !== undefined;
  return (isDelayed ? readDueTime(deliverAtOf(options, at), at).dueAt : undefined) === dueAt;
}

/** The key of a call, given by the caller or new, and the request id that the key stands for. */
export type IdempotencyKey = { text: string; id: string; repeats?: string; isGiven: boolean };

/** Begins the key that asks for the repetition of a request with an id of Sequent's. A plain id may be a key of a further request. */
const REPEAT = 'repeat-';

/** The key with which a call whose outcome is unknown is repeated, so that it starts nothing twice (KEY1). */
export function keyToRepeat(key: IdempotencyKey, { id }: UnknownOutcomeError): string {
  return id === key.id ? key.text : `${REPEAT}${id}`;
}

/**
 * In the own project the key is the request id, so a caller can query the invocation by its key. In another project the id comes from a
 * hash of project and key, so equal keys of two projects never collide. The id also comes from a hash when the key has a form of the ids
 * that Sequent makes: a handler may use its own request id as a key, and no key names an invocation that follows from another one (ID2). A key of {@link keyToRepeat} stands for an id of its own as well.
 */
export function idempotencyKeyOf(call: Call, scope: Scope, { tenancy }: Gateway): IdempotencyKey {
  const given = call.req.header('idempotency-key');
  if (given !== undefined && !isRequestId(given))
    throw new InvalidInputError({ field: 'Idempotency-Key', problem: 'must be 1 to 64 letters, digits, "-" or "_"' });
  const text = given ?? randomUUID();
  const isGiven = given !== undefined;
  const repeats = text.startsWith(REPEAT) ? text.slice(REPEAT.length) : '';
  if (isCreatedId(repeats)) return { text, id: keyedId(`${scope.project}=${text}`), repeats, isGiven };
  return { text, isGiven, id: idOfKey(text, scope, tenancy) };
}

/** The request id that a key stands for in a scope; see {@link idempotencyKeyOf}. */
export function idOfKey(text: string, scope: Scope, tenancy: Tenancy): string {
  const isOwn = scope.isOpen || scope.project === tenancy.project;
  return isOwn && canBeBrought(text) && !isKeyedForm(text) ? text : keyedId(`${scope.project}=${text}`);
}

function tooSlow(cause?: unknown): HttpError {
  const message = 'NATS answers too slowly to look up the Idempotency-Key; nothing was accepted, so repeat the request later';
  return new HttpError({ status: 503, message, retryAfterInS: 1 }, { cause });
}
