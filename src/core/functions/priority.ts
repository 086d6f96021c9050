import { prioritySchema } from '#machines/facts.ts';
import { parseDuration } from '#src/core/text/parse-duration.ts';
import type { Flow } from './flow.ts';

/** The priority of a request whose caller chose none, as in JMS. */
export const DEFAULT_PRIORITY = 4;

export const MAX_PRIORITY = 9;

export const PRIORITY_FORM = 'must be a whole number from 0 to 9, which is the most urgent';

export function isPriority(value: number): boolean {
  return prioritySchema.safeParse(value).success;
}

/** Reads a priority; `undefined` when the text is none. */
export function parsePriority(text: string): number | undefined {
  return /^[0-9]$/.test(text) ? Number(text) : undefined;
}

const DEFAULT_AGING = '1m';

/** The time by which each level of a priority puts a request ahead, in milliseconds; `undefined` for a flow without priorities. */
export function agingOf({ order, aging = DEFAULT_AGING }: Pick<Flow, 'order' | 'aging'>): number | undefined {
  return order === 'priority' ? parseDuration(aging) : undefined;
}

/**
 * The place of an attempt in a queue with priorities: the least one is the next (SLOT8).
 *
 * `since` is when the request was due first. So a request of priority p is overtaken only by requests that came at most (9 - p) times the
 * aging after it, and none starves.
 */
export function rankOf(since: number, priority: number | undefined, agingInMs: number): number {
  return since - (priority ?? DEFAULT_PRIORITY) * agingInMs;
}
