import type { ComponentChildren } from 'preact';

/** A part of the page that scrolls by itself: keys must reach it, and whoever listens must know what it is. */
export function Scrollable({ label, class: name, children }: { label: string; class: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section class={name} tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
