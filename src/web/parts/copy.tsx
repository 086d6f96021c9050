import { useState } from 'preact/hooks';
import { say } from '../shell/toasts.tsx';
import { Icon } from './icon.tsx';

/** Copies a text. `what` names it for those who listen. */
export function CopyButton({ text, what, label }: { text: string; what: string; label?: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setIsCopied(true);
      say(`Copied ${what}`);
      setTimeout(() => setIsCopied(false), 1_500);
    } catch {
      say('The browser did not let this page copy; select the text instead', 'problem');
    }
  };
  return (
    <button type="button" class="button quiet small" onClick={copy} title={`Copy ${what}`} aria-label={`Copy ${what}`}>
      <Icon name={isCopied ? 'succeeded' : 'copy'} size={14} />
      {label === undefined ? null : <span>{label}</span>}
    </button>
  );
}

/** A command to run, with a button that copies it. */
export function CommandLine({ text }: { text: string }) {
  return (
    <div class="command-line">
      <code>{text}</code>
      <CopyButton text={text} what="the command" />
    </div>
  );
}
