import { useState } from 'preact/hooks';
import { t } from '../shell/language.ts';
import { showToast } from '../shell/toasts.tsx';
import { Icon } from './icon.tsx';

/** Copies a text. `name` is how tooltips and screen readers call the text. */
export function CopyButton({ text, name, label }: { text: string; name: string; label?: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setIsCopied(true);
      showToast(t('Copied {name}', { name }));
      setTimeout(() => setIsCopied(false), 1_500);
    } catch {
      showToast(t('The browser denied access to the clipboard. Select the text and copy it with the keyboard.'), 'problem');
    }
  };
  return (
    <button
      type="button"
      class="button quiet small"
      onClick={copy}
      title={t('Copy {name}', { name })}
      aria-label={t('Copy {name}', { name })}
    >
      <Icon name={isCopied ? 'succeeded' : 'copy'} size={14} />
      {label === undefined ? null : <span>{label}</span>}
    </button>
  );
}

/** A command for a terminal, with a button that copies it. */
export function CommandLine({ text }: { text: string }) {
  return (
    <div class="command-line">
      <code>{text}</code>
      <CopyButton text={text} name={t('the command')} />
    </div>
  );
}
