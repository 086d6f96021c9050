import { FACTS_VERSION } from '#machines/facts.ts';

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
 * Every version that was released. A change of a fact's shape, or a new type of fact, raises `FACTS_VERSION`, and a changed shape adds its
 * upcaster here. An append without a changed or new fact should then keep the lower version (`encodeAppend`), so that processes of the
 * earlier version read it during an upgrade.
 */
export const released: Upcasting = { oldest: 1, table: {} };

/** Converts a fact of `version` to the current version, one version at a time. */
export function upcast(fact: WrittenFact, version: number, { table }: Upcasting): WrittenFact {
  let converted = fact;
  for (let from = version; from < FACTS_VERSION; from++) {
    const key = `${String(converted.type)}@${from}`;
    if (Object.hasOwn(table, key)) converted = (table[key] as Upcaster)(converted);
  }
  return converted;
}
