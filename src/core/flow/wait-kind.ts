import type { FactOf } from '#machines/facts.ts';

/** For what a deferred attempt waits: a slot of its flow, a token of its rate, or its debounced group. */
export const waitKinds = ['slot', 'rate', 'debounce'] as const;
export type WaitKind = (typeof waitKinds)[number];

/** The kind that the log recorded. A request whose rate held it first may wait for a slot meanwhile, and no fact says so. */
export function waitKindOf({ rate, debounce }: Pick<FactOf<'deferred'>['flow'], 'rate' | 'debounce'>): WaitKind {
  if (debounce !== undefined) return 'debounce';
  return rate === undefined ? 'slot' : 'rate';
}
