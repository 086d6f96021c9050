import { useEffect, useRef, useState } from 'preact/hooks';
import { Skeleton } from '../parts/notices.tsx';
import { RichText } from '../parts/rich-text.tsx';
import '../styles/pages/code.css';

type CodeEditorProps = {
  label: string;
  path: string;
  text: string;
  isReadOnly?: boolean;
  /** Marks the lines that differ from this text. */
  original?: string | undefined;
  onChange?: (text: string) => void;
};

/**
 * An editor with syntax highlighting, which is loaded when it is first shown. A browser that cannot load it shows a plain text field.
 *
 * The editor owns its text after `text` was shown once. A `key` remounts it, to show another text.
 */
export function CodeEditor({ label, path, text, isReadOnly = false, original, onChange = () => {} }: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<'loading' | 'open' | 'missing'>('loading');
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    let isGone = false;
    let close = (): void => {};
    import('./editor-setup.ts').then(
      ({ openEditor }) => {
        if (isGone || host.current === null) return;
        const options = { host: host.current, label, path, text, isReadOnly, original };
        close = openEditor({ ...options, onChange: (changed) => latest.current(changed) });
        setState('open');
      },
      () => setState('missing'),
    );
    return () => {
      isGone = true;
      close();
    };
  }, []);
  if (state === 'missing') return <PlainField {...{ label, text, isReadOnly, onChange }} />;
  return (
    <>
      <div ref={host} class="code-editor" hidden={state === 'loading'} />
      {state === 'loading' ? <Skeleton lines={8} height={18} /> : null}
      {isReadOnly ? null : (
        <p class="hint">
          <RichText text="{tab} indents. {esc} and then {tab} leaves the editor." values={{ tab: <kbd>Tab</kbd>, esc: <kbd>Esc</kbd> }} />
        </p>
      )}
    </>
  );
}

type PlainFieldProps = Required<Pick<CodeEditorProps, 'label' | 'text' | 'isReadOnly' | 'onChange'>>;

function PlainField({ label, text, isReadOnly, onChange }: PlainFieldProps) {
  return (
    <textarea
      class="mono"
      rows={16}
      spellcheck={false}
      aria-label={label}
      readOnly={isReadOnly}
      value={text}
      onInput={({ currentTarget }) => onChange(currentTarget.value)}
    />
  );
}
