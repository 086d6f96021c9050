import { createHash } from 'node:crypto';
import type { Evidence, Expected, RawMessage } from './evidence.ts';

/* The wire format, read without the product's decoders: which invocations the messages of the log are about, and which of their facts count. */

export type Fact = { type: string; invocation: string; at: number; attempt?: number; [field: string]: unknown };
/** A fact with the sequence and the time of its message. The server sets `storedAt`, and `at` is the time of the process that appended. */
export type Placed = Fact & { sequence: number; storedAt: number };
export type Request = {
  id: string;
  fn: string;
  stream: string;
  sequence: number;
  at: number;
  payload: string;
  headers: RawMessage['headers'];
  isOfClient: boolean;
  hash: string;
};
export type Life = { request: Request; facts: Placed[] };
/** Reports what did not hold, with the id of its rule. */
export type Say = (rule: string, what: string) => void;

export const isOutcome = ({ type }: { type: string }): boolean => type === 'succeeded' || type === 'failed';

export function parse<Value>(text: string): Value | undefined {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return undefined;
  }
}

export function groupBy<Item>(items: Iterable<Item>, keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** The key of a request in the flow of its function. */
export function keyIn({ payload }: Request, { key }: Expected): string {
  return key === undefined ? '' : String(parse<Record<string, unknown>>(payload)?.[key]);
}

/** The position of a request in the log. The last four digits of an id of a batch are its index. */
export function placeOf({ id, stream, sequence }: Request): number {
  return sequence + (id === stream ? 0 : Number.parseInt(id.slice(-4), 16) / 65_536);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** When the first attempt is due (T1): the header is a time, or a delay from the time of the message. A text that is neither delays nothing. */
export function dueAtOf({ headers, at }: Request): number {
  const text = headers['Deliver-At'] ?? '';
  const [, amount = '', unit = ''] = /^\+([\d.]+)\s*(ms|s|m|h|d)$/.exec(text) ?? [];
  const moment = amount === '' ? (/^\d{13}$/.test(text) ? Number(text) : Date.parse(text)) : at + Number(amount) * (UNITS[unit] ?? 0);
  return moment > at ? moment : 0;
}

/** 132 bits of SHA-256 in base64url. */
export const hashOf = (content: string): string => createHash('sha256').update(content).digest('base64url').slice(0, 22);
/** The headers that the hash of a request covers, in their order. */
const HASHED = ['Request-Id', 'Qualifier', 'traceparent', 'Lineage', 'Redrive-Of', 'Batch'];

/** The requests of one message: one, or those of a batch. */
export function requestsIn({ subject, sequence, at, headers, data }: RawMessage): Request[] {
  const [kind = '', ...tokens] = subject.split('.');
  if (kind !== 'invoke' && kind !== 'derived') return [];
  const fn = tokens.join('=');
  const batch = headers.Batch ?? '';
  const many = batch === '' || batch === 'opens' ? undefined : parse<{ requests: { payload: string }[] }>(data)?.requests;
  const stream = many === undefined ? (headers['Request-Id'] ?? idFromSequence(at, sequence)) : batch;
  const lines = HASHED.map((name) => (headers[name] === undefined ? '' : `${name}: ${headers[name]}\n`)).join('');
  const hash = hashOf(`${fn}\n${stream}\n${sequence}\n${at}\n${lines}\n${data}`);
  const idOf = (index: number): string => (many === undefined ? stream : stream.slice(0, 32) + index.toString(16).padStart(4, '0'));
  const common = { fn, stream, sequence, at, headers, isOfClient: kind === 'invoke', hash };
  return (many ?? [{ payload: data }]).map(({ payload }, index) => ({ ...common, id: idOf(index), payload }));
}

/** The id of a request that was published without one. */
function idFromSequence(at: number, sequence: number): string {
  const time = at.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-8000-8000-${sequence.toString(16).padStart(8, '0')}0000`;
}

type Append = { previous: number; request: number; facts: Fact[]; link?: string };
type Stored = { sequence: number; at: number; append: Append };
type Stream = { version: number; head: string | undefined };
type Owned = { requests: readonly Request[]; counts: boolean };

/**
 * The lives in a log. A stream belongs to the request that its first append names. An append counts when it follows the one before it, by
 * version (E3) and by hash (LINK1, LINK2).
 */
export function readLives({ log, isLossy = false }: Evidence, requests: readonly Request[], say: Say): Life[] {
  const lives = firstLives(requests);
  const sayOfAppend = isLossy ? () => {} : say;
  for (const { begun, ...stored } of appendsThatCount(log, requests, sayOfAppend)) {
    for (const request of begun) lives.set(keyOf(request.fn, request.id), { request, facts: [] });
    addFacts(stored, lives, say);
  }
  return [...lives.values()];
}

/** A message of another shape is no append, and counts for no reader. */
function appendIn(data: string): Append | undefined {
  const value = parse<Partial<Append> | null>(data);
  return Array.isArray(value?.facts) ? (value as Append) : undefined;
}

type Counted = Stored & { fn: string; begun: readonly Request[] };

/** `begun`: the requests that an append gives the stream to. */
function* appendsThatCount(log: Evidence['log'], requests: readonly Request[], say: Say): Generator<Counted> {
  const ownersOf = ownersIn(requests);
  const streams = new Map<string, Stream>();
  for (const { subject, sequence, at, data } of log) {
    const append = subject.startsWith('invocation.') ? appendIn(data) : undefined;
    if (append === undefined) continue;
    const stream = streams.get(subject) ?? { version: 0, head: undefined };
    const owned = ownersOf(subject, append, stream);
    judgeAppend({ sequence, at, append }, stream, owned, say);
    streams.set(subject, { version: sequence, head: owned.counts ? hashOf(data) : stream.head });
    const fn = subject.split('.')[1] ?? '';
    if (owned.counts) yield { sequence, at, append, fn, begun: stream.head === undefined ? owned.requests : [] };
  }
}

function addFacts({ sequence, at, append, fn }: Omit<Counted, 'begun'>, lives: ReadonlyMap<string, Life>, say: Say): void {
  for (const fact of append.facts) {
    const life = lives.get(keyOf(fn, fact.invocation));
    if (life === undefined) say('E3', `append ${sequence} is about ${fact.invocation}, which is no request of its stream`);
    else life.facts.push({ ...fact, sequence, storedAt: at });
  }
}

const keyOf = (fn: string, id: string): string => `${fn} ${id}`;

/** A second request with one id starts nothing. */
function firstLives(requests: readonly Request[]): Map<string, Life> {
  const lives = new Map<string, Life>();
  for (const request of requests) {
    const key = keyOf(request.fn, request.id);
    if (!lives.has(key)) lives.set(key, { request, facts: [] });
  }
  return lives;
}

/** Finds the requests that an append names, and whether the append follows the last one of its stream that counts. */
function ownersIn(requests: readonly Request[]): (subject: string, append: Append, stream: Stream) => Owned {
  const bySequence = groupBy(requests, ({ sequence }) => String(sequence));
  return (subject, append, { head }) => {
    const named = bySequence.get(String(append.request)) ?? [];
    const owners = named.filter((one) => subject === `invocation.${one.fn}.${one.stream}`);
    return { requests: owners, counts: owners.length > 0 && append.link === (head ?? owners[0]?.hash) };
  };
}

function judgeAppend({ sequence, append }: Stored, { version }: Stream, { counts }: Owned, say: Say): void {
  if (append.previous !== version) say('E3', `append ${sequence} follows ${append.previous}, not the version ${version}`);
  if (!counts) say('LINK2', `append ${sequence} does not follow the message before it in its stream`);
}
