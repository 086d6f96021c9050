import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../parts/icon.tsx';
import { t } from './language.ts';

type DialogProps = { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean };

/**
 * The browser's modal dialog. It traps the focus, Escape closes it, and closing it restores the focus.
 *
 * If the element that had the focus is gone, such as the button of a selection, the focus is at the start of the page's content.
 */
export function Dialog({ title, onClose, children, wide = false }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  // A layout effect, so that no key reaches the page below a dialog that is about to open.
  useLayoutEffect(() => {
    const opened = dialog.current;
    const previousFocus = document.activeElement;
    opened?.showModal();
    // The first field gets the focus, or else the closing button. An action that cannot be undone never has it.
    opened?.querySelector<HTMLElement>('.dialog-body :is(input, textarea, select), .dialog-foot .button')?.focus();
    return () => {
      opened?.close();
      const next = previousFocus?.isConnected === true ? previousFocus : document.getElementById('main');
      if (next instanceof HTMLElement) next.focus({ preventScroll: next !== previousFocus });
    };
  }, []);
  return (
    <dialog ref={dialog} class={wide ? 'dialog wide' : 'dialog'} aria-labelledby={titleId} onCancel={closeBy(onClose)}>
      <div class="dialog-head">
        <h2 id={titleId}>{title}</h2>
        <button type="button" class="button quiet small" aria-label={t('Close')} onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {children}
    </dialog>
  );
}

/** The buttons below a dialog: one that closes it and, until the action is done, those of the action. */
export function DialogFooter({
  isDone = false,
  onClose,
  children,
}: {
  isDone?: boolean;
  onClose: () => void;
  children: ComponentChildren;
}) {
  return (
    <div class="dialog-foot">
      <button type="button" class="button" onClick={onClose}>
        {t('Close')}
      </button>
      {isDone ? null : children}
    </div>
  );
}

/** Escape calls `onClose`. The browser must not close the dialog itself, because the component owns its state. */
function closeBy(onClose: () => void): (event: Event) => void {
  return (event) => {
    event.preventDefault();
    onClose();
  };
}
