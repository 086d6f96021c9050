import type { Invocation } from '#machines/invocation.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import { parsePriority } from '#src/core/functions/priority.ts';
import { idAt, isStreamId } from '#src/core/names/ids.ts';
import type { RequestId, StreamId } from '#src/core/names/names.ts';

/**
 * What the invocations of a stream wait for, as a header of its appends says it. The scheduler reads headers only.
 *
 * The text is equal for all streams that wait for the same key with their first invocation and the same attempt, so that a reader holds it
 * once.
 */
export type StreamWaits = {
  readonly waits: readonly StreamWait[];
  /** The invocations that wait for their group, and the leaders of groups. */
  readonly grouped: readonly Grouped[];
  /** Whether other invocations of the stream are not over, and wait for no slot. */
  readonly hasOthers: boolean;
};

/** The invocation at an index of its stream waits with its next attempt for a slot of a key. */
export type StreamWait = {
  readonly index: number;
  readonly attempt: number;
  readonly pool: PoolId;
  readonly key: string;
  readonly priority?: number;
};

/** `waits`: the invocation at an index waits for its group. `leads`: its group is closed, and it is not over. `dueAt`: of a delayed request. */
export type Grouped = {
  readonly index: number;
  readonly part: 'waits' | 'leads';
  readonly pool: PoolId;
  readonly key: string;
  readonly dueAt?: number;
};

const parts = { waits: 'd', leads: 'l' } as const;
const HAS_OTHERS = '+';
const INDEX_AT = 32;

/**
 * The text of each invocation, by its context. A context never changes. An append names every waiting request of its stream, and changes few of
 * these requests, so both directions remember texts.
 */
const textsOfContexts = new WeakMap<InvocationContext, string>();

/** The text for the invocations of a stream, of which at least one waits for a slot. */
export function waitsTextOf(invocations: Iterable<Invocation>): string {
  const named: string[] = [];
  let hasOthers = false;
  for (const { context } of invocations) {
    if (context.waitsFor === null) hasOthers ||= context.outcome === null;
    if (!isNamed(context)) continue;
    const text = textsOfContexts.get(context) ?? textOf(context);
    textsOfContexts.set(context, text);
    named.push(text);
  }
  return `${hasOthers ? HAS_OTHERS : ''}${named.join()}`;
}

function textOf(context: InvocationContext): string {
  const { waitsFor, request, attempts } = context;
  const index = indexOf(request?.invocation ?? '');
  const waits: string[] = [];
  if (waitsFor?.debounce !== undefined) waits.push([index, parts.waits, ...namesOf(waitsFor), ...dueAtOf(request)].join('/'));
  else if (waitsFor !== null) waits.push([index, attempts + 1, ...namesOf(waitsFor), ...priorityOf(waitsFor)].join('/'));
  if (isLeader(context)) waits.push([index, parts.leads, ...namesOf(context.group ?? {})].join('/'));
  return waits.join();
}

/** Whether the header of a stream names an invocation: it waits for a slot or its group, or leads a group. */
export function isNamed(context: InvocationContext): boolean {
  return context.waitsFor !== null || isLeader(context);
}

function isLeader({ group, outcome }: InvocationContext): boolean {
  return outcome === null && group?.members !== undefined;
}

const namesOf = ({ pool = '', key = '' }): string[] => [pool, key].map(encodeURIComponent);
const priorityOf = ({ priority }: { priority?: number | undefined }): number[] => (priority === undefined ? [] : [priority]);
const dueAtOf = (request: InvocationContext['request']): number[] => (request?.dueAt === undefined ? [] : [request.dueAt]);

type Part = { wait: StreamWait | undefined; group: Grouped | undefined };

/** How many parts of texts are remembered. At this number, all of them are forgotten. */
const MAX_PARTS = 2_048;
const knownParts = new Map<string, Part>();

/** Reads a text of {@link waitsTextOf}. A part that cannot be read is left out, because the inspection of the stream finds the wait again. */
export function parseWaits(text: string): StreamWaits {
  const hasOthers = text.startsWith(HAS_OTHERS);
  const waits: StreamWait[] = [];
  const grouped: Grouped[] = [];
  for (const part of text.slice(hasOthers ? HAS_OTHERS.length : 0).split(',')) {
    const { wait, group } = partOf(part);
    if (wait !== undefined) waits.push(wait);
    if (group !== undefined) grouped.push(group);
  }
  return { hasOthers, waits, grouped };
}

function partOf(text: string): Part {
  const known = knownParts.get(text);
  if (known !== undefined) return known;
  if (knownParts.size === MAX_PARTS) knownParts.clear();
  const part = { wait: parseWait(text), group: parseGrouped(text) };
  knownParts.set(text, part);
  return part;
}

function parseWait(text: string): StreamWait | undefined {
  const [index = Number.NaN, attempt = Number.NaN] = text.split('/', 2).map(Number);
  const [, , pool, key, urgency] = text.split('/');
  const names = readNames(pool, key);
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(attempt) || names === undefined) return undefined;
  const priority = urgency === undefined ? undefined : parsePriority(urgency);
  return { index, attempt, ...names, ...(priority === undefined ? {} : { priority }) };
}

function parseGrouped(text: string): Grouped | undefined {
  const [at = '', sign, pool, key, dueAt] = text.split('/');
  const index = Number(at);
  const names = readNames(pool, key);
  if ((sign !== parts.waits && sign !== parts.leads) || !Number.isSafeInteger(index) || names === undefined) return undefined;
  const part = sign === parts.waits ? 'waits' : 'leads';
  return { index, part, ...names, ...(Number.isSafeInteger(Number(dueAt)) ? { dueAt: Number(dueAt) } : {}) };
}

function readNames(pool: string | undefined, key: string | undefined): { pool: PoolId; key: string } | undefined {
  if (pool === undefined || key === undefined) return undefined;
  try {
    return { pool: decodeURIComponent(pool) as PoolId, key: decodeURIComponent(key) };
  } catch {
    return undefined;
  }
}

/** The index of an invocation in its stream. */
export function indexOf(id: string): number {
  return isStreamId(`${id.slice(0, INDEX_AT)}0000`) && id.length === INDEX_AT + 4 ? Number.parseInt(id.slice(INDEX_AT), 16) : 0;
}

/** The invocation at an index of a stream. */
export function invocationAt(stream: StreamId, index: number): RequestId {
  return index === 0 ? (stream as string as RequestId) : idAt(stream, index);
}
