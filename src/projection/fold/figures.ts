import type { Fact } from '#machines/facts.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { parseReference } from '#src/core/payloads/payload-reference.ts';
import { type CountedDuration, DURATION_BUCKETS } from '#src/core/quotas/log-figures.ts';
import { STORED_PART } from '#src/projection/store/schema.ts';
import type { Value } from '#src/projection/store/sqlite.ts';
import type { ProjectedInvocation } from './projected-invocation.ts';

/**
 * What the log adds to the counts of functions and to the bytes of projects, until it is drained into the tables `figures` and `stored`.
 *
 * The counts follow from the log alone, so all read models of a log agree, and a counter goes on where it was after a restart.
 */
export class Figures {
  /** By function, then by the name of the figure. */
  #counts = new Map<string, Map<string, number>>();
  /** By project, then by the number of the part of the log. */
  #stored = new Map<string, Map<number, number>>();

  /** Counts an invocation that the log accepted. */
  accept({ snapshot: { context } }: ProjectedInvocation): void {
    const { request } = context;
    if (request === null) return;
    const counts = this.#countsOf(request.function);
    add(counts, 'accepted', 1);
    add(counts, openName(request.opens), 1);
  }

  /** Removes an invocation whose stream another request owns from the open ones. Invocations without a fact are open. */
  disown({ snapshot: { context } }: ProjectedInvocation): void {
    if (context.request !== null) add(this.#countsOf(context.request.function), openName(context.request.opens), -1);
  }

  /** Counts a fact that the machine accepted. `wasOpen`: whether the invocation was open before it. */
  count(projected: ProjectedInvocation, fact: Fact, { wasOpen, attemptAt }: { wasOpen: boolean; attemptAt: number | null }): void {
    const { request } = projected.snapshot.context;
    if (request === null) return;
    const counts = this.#countsOf(request.function);
    const isOpen = isOpenInvocation(projected);
    if (isOpen !== wasOpen) add(counts, openName(request.opens), isOpen ? 1 : -1);
    countFact(counts, fact, { attemptAt, firstDueAt: request.dueAt ?? request.at });
  }

  /** Counts the bytes of a message of a function. */
  store(name: string, sequence: number, bytes: number): void {
    const project = projectOf(name) ?? '';
    let parts = this.#stored.get(project);
    if (parts === undefined) {
      parts = new Map();
      this.#stored.set(project, parts);
    }
    const part = Math.floor(sequence / STORED_PART);
    parts.set(part, (parts.get(part) ?? 0) + bytes);
  }

  drain(): { figures: Value[][]; stored: Value[][] } {
    const drained = {
      figures: [...this.#counts].flatMap(([fn, counts]) => [...counts].map(([name, value]): Value[] => [name, fn, value])),
      stored: [...this.#stored].flatMap(([project, parts]) => [...parts].map(([part, bytes]): Value[] => [project, part, bytes])),
    };
    this.#counts = new Map();
    this.#stored = new Map();
    return drained;
  }

  #countsOf(name: string): Map<string, number> {
    let counts = this.#counts.get(name);
    if (counts === undefined) {
      counts = new Map();
      this.#counts.set(name, counts);
    }
    return counts;
  }
}

type Times = { attemptAt: number | null; firstDueAt: number };

function countFact(counts: Map<string, number>, fact: Fact, { attemptAt, firstDueAt }: Times): void {
  switch (fact.type) {
    case 'running':
      add(counts, 'attempts', 1);
      return fact.attempt === 1 ? addDuration(counts, 'queue', fact.at - firstDueAt) : undefined;
    case 'retrying':
      add(counts, `retries.${fact.failure.kind}`, 1);
      return attemptAt === null ? undefined : addDuration(counts, 'execution', fact.at - attemptAt);
    case 'succeeded':
    case 'failed':
      add(counts, `outcomes.${fact.type === 'failed' ? fact.condition : ''}`, 1);
      if (attemptAt !== null) addDuration(counts, 'execution', fact.at - attemptAt);
      return addDuration(counts, 'endToEnd', fact.at - firstDueAt);
    case 'delivery.failed':
    case 'delivery.postponed':
    case 'delivery.delivered':
    case 'delivery.dead':
      return add(counts, fact.type.replace('delivery.', 'deliveries.'), 1);
    default:
      return undefined;
  }
}

export const isOpenInvocation = ({ snapshot }: ProjectedInvocation): boolean => snapshot.value !== 'notified';

/** The bytes of the large payloads, values and outputs that a request or a fact refers to. They live as long as the message (BIG4). */
export function bytesOfRequests(requests: readonly { payload: string }[]): number {
  return requests.reduce((sum, { payload }) => sum + bytesOf(payload), 0);
}

export function bytesOfFacts(facts: readonly Fact[]): number {
  return facts.reduce((sum, fact) => {
    const output = 'storedOutput' in fact && fact.storedOutput !== undefined ? bytesOf(fact.storedOutput.reference) : 0;
    const value = 'stored' in fact && typeof fact.stored === 'string' ? bytesOf(fact.stored) : 0;
    return sum + output + value;
  }, 0);
}

const bytesOf = (text: string): number => parseReference(text)?.bytes ?? 0;

const openName = (opens: unknown): string => (opens === undefined ? 'open' : 'open.batch');

function add(counts: Map<string, number>, name: string, value: number): void {
  counts.set(name, (counts.get(name) ?? 0) + value);
}

/** The names of the figures of a duration, made once, because a text that is made anew is hashed anew. */
const durationNames = {
  queue: namesOf('queue'),
  execution: namesOf('execution'),
  endToEnd: namesOf('endToEnd'),
} as const satisfies Record<CountedDuration, unknown>;

function namesOf(name: CountedDuration): { sum: string; buckets: readonly string[] } {
  return { sum: `${name}.sum`, buckets: [...DURATION_BUCKETS, '+Inf'].map((bound) => `${name}.${bound}`) };
}

/** The clocks of two machines may differ, so the difference can be negative; a duration is at least 0. */
function addDuration(counts: Map<string, number>, name: CountedDuration, inMs: number): void {
  const seconds = Math.max(0, inMs) / 1_000;
  const { sum, buckets } = durationNames[name];
  add(counts, sum, seconds);
  const bucket = DURATION_BUCKETS.findIndex((bound) => seconds <= bound);
  add(counts, buckets.at(bucket) ?? '', 1);
}
