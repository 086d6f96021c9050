import type { Invocation } from '#machines/invocation.ts';
import { isoTime } from './phrases.ts';
import { say } from './say.ts';

/** A state as programs read it. */
export type State = { value: Invocation['value']; context: Invocation['context'] };

/** One difference: its path in the state, and the value before and after. An absent value is `undefined`. */
export type Change = { path: string; before: unknown; after: unknown; words: string };

/** The differences between two states of one invocation, down to single values. */
export function diffStates(before: Invocation, after: Invocation): Change[] {
  return changesIn('', plainOf(before), plainOf(after));
}

export function plainOf({ value, context }: Invocation): State {
  return {
    value,
    context: { ...context, deliveries: Object.fromEntries(Object.entries(context.deliveries).map(withoutMachine)) },
  } as State;
}

/** A delivery is a machine of its own: only its state and context are kept. */
function withoutMachine([id, { value, context }]: [string, Invocation['context']['deliveries'][string]]): [string, object] {
  return [id, { value, context }];
}

function changesIn(path: string, before: unknown, after: unknown): Change[] {
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => changesIn(path === '' ? key : `${path}.${key}`, before[key], after[key]));
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  return [{ path, before, after, words: inWords(path, before, after) }];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function inWords(path: string, before: unknown, after: unknown): string {
  const name = path.replace(/^context\./, '');
  const [was, is] = [shown(path, before), shown(path, after)];
  if (path === 'value' && before === 'initial') return say('it was not accepted yet and is {is}', { is });
  if (path === 'value' && after === 'initial') return say('it was {was} and is not accepted yet', { was });
  if (path === 'value') return say('it was {was} and is {is}', { was, is });
  if (isAbsent(before)) return say('{name} is now {is}', { name, is });
  if (isAbsent(after)) return say('{name} has no value now; it was {was}', { name, was });
  return say('{name} went from {was} to {is}', { name, was, is });
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function shown(path: string, value: unknown): string {
  if (typeof value === 'number' && /(^|\.)(at|dueAt|startedAt)$/.test(path)) return isoTime(value);
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
