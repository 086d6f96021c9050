import { useMemo, useState } from 'preact/hooks';
import { CopyButton } from './copy.tsx';
import { Icon } from './icon.tsx';
import { bytesOf, formatBytes, hexRows, isBinary, type Piece, piecesOf, pretty } from './payload-text.ts';
import { Scrollable } from './scrollable.tsx';

/** How much is shown before somebody asks for all of it. */
const MOST_SHOWN = 12_000;

type PayloadProps = { text: string; name: string; file?: string; empty?: string };

/** A payload as it can be read: JSON set out, bytes as bytes, what sounds secret covered; and as it is, to copy or keep. */
export function Payload({ text, name, file = `${name}.json`, empty = 'empty' }: PayloadProps) {
  const [isRaw, setIsRaw] = useState(false);
  const [isRevealed, setIsRevealed] = useState(false);
  const [isWhole, setIsWhole] = useState(false);
  const bytes = useMemo(() => bytesOf(text), [text]);
  const view = useMemo(() => viewOf(text, isRaw), [text, isRaw]);
  const pieces = useMemo(() => (view.kind === 'json' ? piecesOf(cut(view.text, isWhole)) : []), [view, isWhole]);
  if (text === '') return <p class="nothing">{empty}</p>;
  const hasSecret = pieces.some(({ kind }) => kind === 'secret');
  return (
    <div class="payload">
      <div class="payload-head">
        <span class="size" title={`${bytes.toLocaleString('en')} bytes`}>
          {formatBytes(bytes)} {view.kind === 'bytes' ? 'of bytes' : view.kind === 'json' ? 'of JSON' : 'of text'}
        </span>
        <div class="spring" />
        {hasSecret ? (
          <button type="button" class="button quiet small" aria-pressed={isRevealed} onClick={() => setIsRevealed(!isRevealed)}>
            {isRevealed ? 'Cover secrets' : 'Reveal secrets'}
          </button>
        ) : null}
        {view.kind === 'text' && !isRaw ? null : (
          <button type="button" class="button quiet small" aria-pressed={isRaw} onClick={() => setIsRaw(!isRaw)}>
            Raw
          </button>
        )}
        <CopyButton text={text} what={name} />
        <button
          type="button"
          class="button quiet small"
          aria-label={`Save ${name}`}
          title={`Save ${name}`}
          onClick={() => save(text, file)}
        >
          <Icon name="download" size={14} />
        </button>
      </div>
      <Scrollable class={view.kind === 'bytes' ? 'code bytes' : 'code'} label={name}>
        <pre>{view.kind === 'json' ? <Pieces pieces={pieces} isRevealed={isRevealed} /> : cut(view.text, isWhole)}</pre>
      </Scrollable>
      {view.text.length > MOST_SHOWN && !isWhole ? (
        <button type="button" class="button small" onClick={() => setIsWhole(true)}>
          Show all of it ({formatBytes(bytes)})
        </button>
      ) : null}
    </div>
  );
}

function Pieces({ pieces, isRevealed }: { pieces: readonly Piece[]; isRevealed: boolean }) {
  return (
    <>
      {pieces.map(({ kind, text }) =>
        kind === 'sign' ? text : <span class={`json-${kind}`}>{kind === 'secret' && !isRevealed ? '"••••••"' : text}</span>,
      )}
    </>
  );
}

function viewOf(text: string, isRaw: boolean): { kind: 'json' | 'text' | 'bytes'; text: string } {
  if (isRaw) return { kind: 'text', text };
  if (isBinary(text)) return { kind: 'bytes', text: hexRows(text) };
  const { text: set, isJson } = pretty(text);
  return { kind: isJson ? 'json' : 'text', text: set };
}

function cut(text: string, isWhole: boolean): string {
  return isWhole ? text : text.slice(0, MOST_SHOWN);
}

function save(text: string, file: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = file.replace(/[^A-Za-z0-9._-]/g, '_');
  link.click();
  URL.revokeObjectURL(url);
}
