import { useEffect, useRef } from 'preact/hooks';

/** What keys do: one character, or two after each other such as `g i`. */
export type Keys = Readonly<Record<string, () => void>>;

const bound: { current: Keys }[] = [];
let first = '';
let firstAt = 0;

/** Binds keys while the caller is on the page; the latest to come goes first. They do nothing while somebody writes. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    bound.unshift(latest);
    return () => void bound.splice(bound.indexOf(latest), 1);
  }, []);
}

export function startKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target instanceof HTMLElement ? event.target : document.body;
    const hasDialog = document.querySelector('dialog[open]') !== null;
    // What is focused is meant, not the row that is selected.
    if (event.key === 'Enter' && target.closest('a, button, summary') !== null) return;
    if (isWriting(target)) {
      if (event.key === 'Escape') target.blur();
    } else if (!hasDialog) press(event);
  });
}

function press(event: KeyboardEvent): void {
  const sequence = Date.now() - firstAt < 1_000 ? `${first} ${event.key}` : event.key;
  first = event.key;
  firstAt = event.key === 'g' ? Date.now() : 0;
  if (!perform(sequence, event)) perform(event.key, event);
}

function perform(key: string, event: KeyboardEvent): boolean {
  const found = bound.find(({ current }) => Object.hasOwn(current, key))?.current[key];
  if (found === undefined) return false;
  event.preventDefault();
  found();
  return true;
}

function isWriting(target: Element): boolean {
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'range', 'button'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
