import { type Destination, FACTS_VERSION, type Fact, isOutcome } from '#machines/facts.ts';

/** A fact that an earlier version wrote: JSON that no schema has checked yet. */
export type WrittenFact = Readonly<Record<string, unknown>>;

/** Converts a fact of one version to the next version. Pure, so that folding stays deterministic (E2). */
type Upcaster = (fact: WrittenFact) => WrittenFact;

/**
 * The upcasters, and the oldest version that they can convert.
 *
 * `table` is keyed by `<type>@<version>`. A type without an entry has the same shape in the next version. An upcaster may change the type.
 */
export type Upcasting = { readonly oldest: number; readonly table: Readonly<Record<string, Upcaster>> };

/**
 * Every version that was released. A change of a fact's shape, or a new type of fact, raises `FACTS_VERSION`. A changed shape also adds its
 * upcaster here, and leaves only the new version in `currentShapes`.
 *
 * - 2: `delivery.postponed` is new.
 * - 3: `deliveryIds` of an outcome is new. Its absence has a meaning, so no upcaster adds it (DLV2).
 * - 4: `delivery.dismissed` is new, and so is `isEarly` of `redriven`: earlier machines refuse a redrive before `notified`.
 * - 5: `retryable` and `retryAfterInMs` of a failure are new.
 * - 6: `when` of a destination and `notSent` of an outcome are new. An earlier process would deliver to every destination.
 * - 7: `deferred`, `debounce.closed`, `debounce.joined` and `batch.sealed` are new, and so is `leader` of an outcome. So is `stored` of a success: an
 *   earlier process would take the value for an empty one.
 */
export const released: Upcasting = { oldest: 1, table: {} };

/** The versions whose facts have the shapes of the current version. They are parsed directly. */
export const currentShapes = [1, 2, 3, 4, 5, 6, FACTS_VERSION] as const;

/**
 * The lowest version that has all these facts. A process of an earlier version therefore reads every append that it can understand, and
 * leaves the others to upgraded processes.
 */
export function versionOf(facts: readonly Fact[]): number {
  let version = 1;
  for (const fact of facts) {
    version = Math.max(version, versionOfOne(fact));
  }
  return version;
}

const newIn7: ReadonlySet<Fact['type']> = new Set(['deferred', 'debounce.closed', 'debounce.joined', 'batch.sealed']);

function versionOfOne(fact: Fact): number {
  if (newIn7.has(fact.type) || 'stored' in fact || 'leader' in fact) return 7;
  if (hasCondition(fact)) return 6;
  if ('failure' in fact && (fact.failure.retryable !== undefined || fact.failure.retryAfterInMs !== undefined)) return 5;
  if (fact.type === 'delivery.dismissed' || (fact.type === 'redriven' && fact.isEarly)) return 4;
  if ('deliveryIds' in fact) return 3;
  return fact.type === 'delivery.postponed' ? 2 : 1;
}

function hasCondition(fact: Fact): boolean {
  if (fact.type === 'running') return [...(fact.terms?.onSuccess ?? []), ...(fact.terms?.onFailure ?? [])].some(isConditional);
  return isOutcome(fact) && (fact.notSent !== undefined || (fact.destinations ?? []).some(isConditional));
}

function isConditional({ when }: Destination): boolean {
  return when !== undefined;
}

/** Converts a fact of `version` to the current version, one version at a time. */
export function upcast(fact: WrittenFact, version: number, { table }: Upcasting): WrittenFact {
  let converted = fact;
  for (let from = version; from < FACTS_VERSION; from++) {
    const key = `${String(converted.type)}@${from}`;
    if (Object.hasOwn(table, key)) converted = (table[key] as Upcaster)(converted);
  }
  return converted;
}
