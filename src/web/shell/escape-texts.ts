import { options, type VNode } from 'preact';
import { escapeControls } from '#src/core/text/escape-controls.ts';

/** The attributes that a browser shows or reads aloud. The value of a field stays as the user typed it. */
const shownAttributes = ['title', 'aria-label', 'data-head', 'placeholder', 'alt'];

/**
 * Shows control characters, and characters that change the direction of text, escaped in each text of the pages. Names, outputs and payloads
 * come from functions, and no page has to remember this.
 */
export function startEscaping(): void {
  const before = options.vnode;
  options.vnode = (vnode) => {
    escapeIn(vnode as VNode<Record<string, unknown>>);
    before?.(vnode);
  };
}

/** The library makes a node without a type for each text, whose properties are the text. */
function escapeIn(vnode: VNode<Record<string, unknown>>): void {
  const { type, props } = vnode as { type: unknown; props: unknown };
  if (type === null && typeof props === 'string') Object.assign(vnode, { props: escapeControls(props, { keepsLines: true }) });
  if (typeof type !== 'string' || typeof props !== 'object' || props === null) return;
  for (const name of shownAttributes) {
    const value: unknown = Reflect.get(props, name);
    if (typeof value === 'string') Reflect.set(props, name, escapeControls(value, { keepsLines: true }));
  }
}
