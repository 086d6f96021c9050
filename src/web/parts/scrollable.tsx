import type { ComponentChildren } from 'preact';

/**
 * An element that scrolls. It is focusable, so that keys can scroll it, and has a label for screen readers. It is a group and no landmark:
 * the card around it is one already, often with the same name.
 */
export function Scrollable({ label, class: name, children }: { label: string; class: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable element must be reachable by keyboard
    <div role="group" class={name} tabIndex={0} aria-label={label}>
      {children}
    </div>
  );
}
