import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import '../styles/pages/fold.css';

type FoldProps = {
  title: string;
  /** What is inside, so that nobody opens the part to find out. */
  hint: string;
  /** Whether a field inside has a value of its own, or was refused: the part is open then. */
  isNeeded?: boolean;
  children: ComponentChildren;
};

/** A part of a form that most people do not need. It opens by a click, or when a field inside needs the reader. */
export function Fold({ title, hint, isNeeded = false, children }: FoldProps) {
  const [isOpen, setIsOpen] = useState(isNeeded);
  useEffect(() => {
    if (isNeeded) setIsOpen(true);
  }, [isNeeded]);
  return (
    <details class="fold" open={isOpen} onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
      <summary>
        {title} <span class="hint">{hint}</span>
      </summary>
      <div class="fold-body">{children}</div>
    </details>
  );
}
