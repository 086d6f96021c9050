import { useMemo, useState } from 'preact/hooks';
import { formatNumber, type Text, t } from '../shell/language.ts';
import { CopyButton } from './copy.tsx';
import { Icon } from './icon.tsx';
import { bytesOf, formatBytes, formatJson, hexRows, isBinary, type Token, tokensOf } from './payload-text.ts';
import { Scrollable } from './scrollable.tsx';

/** The characters that are shown at first. A button shows the whole text. */
const MAX_SHOWN = 12_000;

const kindLabels = { bytes: 'binary', json: 'JSON', text: 'text' } as const satisfies Record<string, Text>;

type PayloadProps = { text: string; name: string; file?: string; empty?: string };

/** A payload: JSON indented with secrets masked, or text, or a hex dump. Copying and saving use the original text. */
export function Payload({ text, name, file = `${name}.json`, empty = t('empty') }: PayloadProps) {
  const [isRaw, setIsRaw] = useState(false);
  const [isRevealed, setIsRevealed] = useState(false);
  const [isWhole, setIsWhole] = useState(false);
  const bytes = useMemo(() => bytesOf(text), [text]);
  const view = useMemo(() => viewOf(text, isRaw), [text, isRaw]);
  const tokens = useMemo(() => (view.kind === 'json' ? tokensOf(cut(view.text, isWhole)) : []), [view, isWhole]);
  if (text === '') return <p class="nothing">{empty}</p>;
  const hasSecret = tokens.some(({ kind }) => kind === 'secret');
  return (
    <div class="payload">
      <div class="payload-head">
        <span class="size" title={t('{count} bytes', { count: formatNumber(bytes) })}>
          {formatBytes(bytes)} {t(kindLabels[view.kind])}
        </span>
        <div class="spring" />
        {hasSecret ? (
          <button type="button" class="button quiet small" aria-pressed={isRevealed} onClick={() => setIsRevealed(!isRevealed)}>
            {isRevealed ? t('Mask secrets') : t('Reveal secrets')}
          </button>
        ) : null}
        {view.kind === 'text' && !isRaw ? null : (
          <button type="button" class="button quiet small" aria-pressed={isRaw} onClick={() => setIsRaw(!isRaw)}>
            {t('Raw')}
          </button>
        )}
        <CopyButton text={text} name={name} />
        <button
          type="button"
          class="button quiet small"
          aria-label={t('Save {name}', { name })}
          title={t('Save {name}', { name })}
          onClick={() => save(text, file)}
        >
          <Icon name="download" size={14} />
        </button>
      </div>
      <Scrollable class={view.kind === 'bytes' ? 'code bytes' : 'code'} label={name}>
        <pre>{view.kind === 'json' ? <Tokens tokens={tokens} isRevealed={isRevealed} /> : cut(view.text, isWhole)}</pre>
      </Scrollable>
      {view.text.length > MAX_SHOWN && !isWhole ? (
        <button type="button" class="button small" onClick={() => setIsWhole(true)}>
          {t('Show all ({size})', { size: formatBytes(bytes) })}
        </button>
      ) : null}
    </div>
  );
}

function Tokens({ tokens, isRevealed }: { tokens: readonly Token[]; isRevealed: boolean }) {
  return (
    <>
      {tokens.map(({ kind, text }) =>
        kind === 'punctuation' ? text : <span class={`json-${kind}`}>{kind === 'secret' && !isRevealed ? '"••••••"' : text}</span>,
      )}
    </>
  );
}

function viewOf(text: string, isRaw: boolean): { kind: keyof typeof kindLabels; text: string } {
  if (isRaw) return { kind: 'text', text };
  if (isBinary(text)) return { kind: 'bytes', text: hexRows(text) };
  const { text: formatted, isJson } = formatJson(text);
  return { kind: isJson ? 'json' : 'text', text: formatted };
}

function cut(text: string, isWhole: boolean): string {
  return isWhole ? text : text.slice(0, MAX_SHOWN);
}

function save(text: string, file: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = file.replace(/[^A-Za-z0-9._-]/g, '_');
  link.click();
  URL.revokeObjectURL(url);
}
