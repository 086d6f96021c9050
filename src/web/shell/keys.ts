import { useLayoutEffect, useRef } from 'preact/hooks';

/** Functions by key. A name is one key, or two keys pressed one after the other, such as `g i`. */
export type KeyBindings = Readonly<Record<string, () => void>>;

const bindings: { current: KeyBindings }[] = [];
let previousKey = '';
let previousAt = Number.NEGATIVE_INFINITY;

/** Binds keys while the calling component is mounted. The component mounted last has precedence. Bindings are off in text fields. */
export function useKeys(keys: KeyBindings): void {
  const latest = useRef(keys);
  latest.current = keys;
  // A layout effect, because a key may be pressed before an effect after the paint has run.
  useLayoutEffect(() => {
    bindings.unshift(latest);
    return () => void bindings.splice(bindings.indexOf(latest), 1);
  }, []);
}

export function startKeys(): void {
  addEventListener('keydown', onKeyDown);
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  // The editor of code is in a shadow tree, whose events have its host as target.
  const [origin] = event.composedPath();
  const target = origin instanceof HTMLElement ? origin : document.body;
  // Enter activates the focused link or button, not the selected row.
  if (event.key === 'Enter' && target.closest('a, button, summary') !== null) return;
  if (isTextField(target)) {
    if (event.key === 'Escape') target.blur();
    return;
  }
  if (document.querySelector('dialog[open]') === null) dispatchKey(event);
}

function dispatchKey(event: KeyboardEvent): void {
  // The time of the press, not that of its handling: a busy page handles two quick presses late.
  const sequence = event.timeStamp - previousAt < 1_000 ? `${previousKey} ${event.key}` : event.key;
  previousKey = event.key;
  previousAt = event.key === 'g' ? event.timeStamp : Number.NEGATIVE_INFINITY;
  if (!runBinding(sequence, event)) runBinding(event.key, event);
}

function runBinding(key: string, event: KeyboardEvent): boolean {
  const found = bindings.find(({ current }) => Object.hasOwn(current, key))?.current[key];
  if (found === undefined) return false;
  event.preventDefault();
  found();
  return true;
}

function isTextField(target: Element): boolean {
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'range', 'button'].includes(target.type);
  const isEditable = target instanceof HTMLElement && target.isContentEditable;
  return isEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
