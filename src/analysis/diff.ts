import type { Invocation } from '#machines/invocation.ts';
import { moment } from './words.ts';

/** A state as programs read it. */
export type State = { value: Invocation['value']; context: Invocation['context'] };

/** One thing that is different: where in the state, and what it was and is. Absent is `undefined`. */
export type Change = { path: string; before: unknown; after: unknown; words: string };

/** What is different between two states of one invocation, down to single values. */
export function diffStates(before: Invocation, after: Invocation): Change[] {
  const changes: Change[] = [];
  compare('', plainOf(before), plainOf(after), changes);
  return changes;
}

export function plainOf({ value, context }: Invocation): State {
  return {
    value,
    context: { ...context, deliveries: Object.fromEntries(Object.entries(context.deliveries).map(withoutMachine)) },
  } as State;
}

/** A delivery is a machine of its own: what it is, not how it is built. */
function withoutMachine([id, { value, context }]: [string, Invocation['context']['deliveries'][string]]): [string, object] {
  return [id, { value, context }];
}

function compare(path: string, before: unknown, after: unknown, changes: Change[]): void {
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(path === '' ? key : `${path}.${key}`, before[key], after[key], changes);
    }
    return;
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  changes.push({ path, before, after, words: inWords(path, before, after) });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function inWords(path: string, before: unknown, after: unknown): string {
  const name = path.replace(/^context\./, '');
  if (path === 'value' && before === 'initial') return `it was not accepted yet and is ${shown(path, after)}`;
  if (path === 'value' && after === 'initial') return `it was ${shown(path, before)} and is not accepted yet`;
  if (path === 'value') return `it was ${shown(path, before)} and is ${shown(path, after)}`;
  if (isAbsent(before)) return `${name} is now ${shown(path, after)}`;
  if (isAbsent(after)) return `${name} is gone; it was ${shown(path, before)}`;
  return `${name} went from ${shown(path, before)} to ${shown(path, after)}`;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function shown(path: string, value: unknown): string {
  if (typeof value === 'number' && /(^|\.)(at|dueAt|startedAt)$/.test(path)) return moment(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
