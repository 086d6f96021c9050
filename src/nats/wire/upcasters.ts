import { FACTS_VERSION } from '#machines/facts.ts';

/** A fact as an earlier version wrote it: JSON that no schema has checked yet. */
export type WrittenFact = Readonly<Record<string, unknown>>;

/** Returns a fact of one version in the shape of the next version. Pure, so that folding stays deterministic (E2). */
type Upcaster = (fact: WrittenFact) => WrittenFact;

/**
 * How appends of earlier versions are read.
 *
 * `table` is keyed by `<type>@<version>`. A type without an entry has the same shape in the next version. An upcaster may change the type.
 */
export type Upcasting = { readonly oldest: number; readonly table: Readonly<Record<string, Upcaster>> };

/** Every version that was released. A change of a fact's shape raises `FACTS_VERSION` and adds its upcaster here. */
export const released: Upcasting = { oldest: 1, table: {} };

/** Lifts a fact of `version` to the present version, one version at a time. */
export function upcast(fact: WrittenFact, version: number, { table }: Upcasting): WrittenFact {
  let lifted = fact;
  for (let from = version; from < FACTS_VERSION; from++) {
    const key = `${String(lifted.type)}@${from}`;
    if (Object.hasOwn(table, key)) lifted = (table[key] as Upcaster)(lifted);
  }
  return lifted;
}
