import type { StoredLayers } from '#src/gateway/api/code/code-schemas.ts';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { get } from '../api/http.ts';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { formatBytes } from '../parts/payload-text.ts';
import { t } from '../shell/language.ts';
import { useFetch } from '../shell/use-fetch.ts';

/** A content that functions can find beside their code, with the versions of layers that have it. */
type Content = { digest: string; names: string[]; bytes: number };

function useLayers() {
  const { content, problem, reload } = useFetch('layers', (signal) => get<StoredLayers>('/api/layers', signal));
  return { contents: content === undefined ? undefined : contentsOf(content), problem, reload };
}

/** A function refers to a content, which several versions may have. */
function contentsOf({ layers }: StoredLayers): Content[] {
  const found = new Map<string, Content>();
  for (const { name, version, digest, bytes } of layers) {
    const content = found.get(digest) ?? { digest, names: [], bytes };
    content.names.push(`${name}:${version}`);
    found.set(digest, content);
  }
  return [...found.values()];
}

/** The versions with a content; the beginning of its digest when they are deleted, because the function keeps the content. */
function nameOf(digest: string, contents: readonly Content[] = []): string {
  return contents.find((one) => one.digest === digest)?.names.join(' = ') ?? t('{digest}… (deleted)', { digest: digest.slice(0, 12) });
}

/** The names of the layers of a function, in their order. */
export function LayerNames({ digests }: { digests: readonly string[] }) {
  const { contents, problem } = useLayers();
  if (contents === undefined && problem === undefined) return <>…</>;
  return (
    <ol class="layer-names">
      {digests.map((digest) => (
        <li key={digest} title={digest}>
          <code>{nameOf(digest, contents)}</code>
        </li>
      ))}
    </ol>
  );
}

/** The layers of a function whose code is stored; `undefined` for any other function, which can have none. */
export function layersOf(handler: FunctionView['definition']['handler']): string[] | undefined {
  return handler.kind === 'process' && handler.package !== undefined ? (handler.layers ?? []) : undefined;
}

type LayerFieldsProps = {
  /** The digests of the chosen layers, in their order. */
  layers: readonly string[];
  message: string | undefined;
  onChange: (layers: string[]) => void;
};

/** Chooses the layers of a function. Of files of one path, that of the later layer counts. */
export function LayerFields({ layers, message, onChange }: LayerFieldsProps) {
  const { contents, problem, reload } = useLayers();
  const free = (contents ?? []).filter(({ digest }) => !layers.includes(digest));
  const [next] = free;
  return (
    <fieldset class="destinations">
      <legend>{t('Layers')}</legend>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      <p class="hint">
        {contents?.length === 0 && layers.length === 0
          ? t('No layer is stored. The command sequent fn layer put stores one.')
          : t('the code finds their files beside its own; of files of one path, that of the later layer counts')}
      </p>
      {layers.map((digest, index) => (
        <div key={digest} class="layer">
          <select
            aria-label={t('Layer {number}', { number: index + 1 })}
            value={digest}
            onChange={({ currentTarget: { value } }) => onChange(layers.map((one) => (one === digest ? value : one)))}
          >
            <option value={digest}>{nameOf(digest, contents)}</option>
            {free.map((one) => (
              <option key={one.digest} value={one.digest}>
                {one.names.join(' = ')} ({formatBytes(one.bytes)})
              </option>
            ))}
          </select>
          <button
            type="button"
            class="button quiet small"
            aria-label={t('Layer {number}: remove', { number: index + 1 })}
            title={t('Remove')}
            onClick={() => onChange(layers.filter((one) => one !== digest))}
          >
            <Icon name="close" size={14} />
          </button>
        </div>
      ))}
      {message === undefined ? null : (
        <p class="wrong" role="alert">
          {message}
        </p>
      )}
      {next === undefined ? null : (
        <button type="button" class="button small" onClick={() => onChange([...layers, next.digest])}>
          {t('Add a layer')}
        </button>
      )}
    </fieldset>
  );
}
