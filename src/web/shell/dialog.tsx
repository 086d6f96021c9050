import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Icon } from '../parts/icon.tsx';

type DialogProps = { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean };

/** The browser's own modal dialog: it keeps the focus, Escape closes it, and the focus goes back where it was. */
export function Dialog({ title, onClose, children, wide = false }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const opened = dialog.current;
    const before = document.activeElement;
    opened?.showModal();
    // What is to be filled in, or else the way out: never what cannot be undone.
    opened?.querySelector<HTMLElement>('.dialog-body :is(input, textarea, select), .dialog-foot .button')?.focus();
    return () => {
      opened?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class={wide ? 'dialog wide' : 'dialog'} aria-labelledby={titleId} onCancel={cancelling(onClose)}>
      <div class="dialog-head">
        <h2 id={titleId}>{title}</h2>
        <button type="button" class="button quiet small" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {children}
    </dialog>
  );
}

/** The way out, and beside it what is to be done until it is. */
export function DialogFoot({ isDone = false, onClose, children }: { isDone?: boolean; onClose: () => void; children: ComponentChildren }) {
  return (
    <div class="dialog-foot">
      <button type="button" class="button" onClick={onClose}>
        {isDone ? 'Close' : 'Do nothing'}
      </button>
      {isDone ? null : children}
    </div>
  );
}

function cancelling(onClose: () => void): (event: Event) => void {
  return (event) => {
    event.preventDefault();
    onClose();
  };
}
