import type { FactOf, Lineage } from '#machines/facts.ts';
import { isBareName, isRequestId } from '#src/core/names/names.ts';

/** How the headers of a request name what the request follows from. */

export function encodeLineage({ root, parent, hop, budget }: Lineage): string {
  return `${root}/${parent}/${hop}${budget === undefined ? '' : `/${budget}`}`;
}

/** An invalid lineage is dropped. */
export function decodeLineage(text: string): Lineage | undefined {
  const [root = '', parent = '', hop = '', budget = ''] = text.split('/');
  if (!isRequestId(root) || !isRequestId(parent) || !/^[0-9]{1,6}$/.test(hop)) return undefined;
  return { root, parent, hop: Number(hop), ...(/^-?[0-9]{1,9}$/.test(budget) ? { budget: Number(budget) } : {}) };
}

/** An invalid name of a schedule is dropped. */
export function decodeSchedule(text: string): FactOf<'queued'>['schedule'] {
  const [name = '', at = ''] = text.split('/');
  if (!isBareName(name)) return undefined;
  return /^[0-9]{1,15}$/.test(at) ? { name, at: Number(at) } : { name };
}
