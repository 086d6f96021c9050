import { useState } from 'preact/hooks';
import { SegmentedControl } from '../parts/forms/segmented-control.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { t, translated } from '../shell/language.ts';
import { CodeEditor } from './code-editor.tsx';
import { type Template, templates } from './templates.ts';
import { type Code, handlerText, readFolder, readZipFile } from './upload.ts';

const sources = ['Write code', 'Zip file', 'Folder'] as const;
type Source = (typeof sources)[number];
/** The code that the user wrote or chose, with the handler and the runtime that it suggests. `code` is absent until a file is chosen. */
export type ChosenCode = { code: Code | undefined; handler: string; runtime?: string | undefined };

export function codeOfTemplate({ file, text, runtime }: Template): ChosenCode {
  return { code: { files: [{ path: file, text }] }, handler: handlerText(file), runtime };
}

/** Where the code of a function comes from: an editor with templates, a zip file, or a folder. */
export function CodeSource({ onChange }: { onChange: (chosen: ChosenCode) => void }) {
  const [source, setSource] = useState<Source>('Write code');
  const choose = (chosen: Source): void => {
    setSource(chosen);
    onChange(chosen === 'Write code' ? codeOfTemplate(first) : { code: undefined, handler: 'index.handler' });
  };
  return (
    <div class="code-source">
      <SegmentedControl label={t('Where the code comes from')} value={source} choices={sources} onChange={choose} />
      {source === 'Write code' ? <Written onChange={onChange} /> : <Upload key={source} kind={source} onChange={onChange} />}
    </div>
  );
}

const first = templates[0] as Template;

function Written({ onChange }: { onChange: (chosen: ChosenCode) => void }) {
  const [template, setTemplate] = useState(first);
  const choose = (key: string): void => {
    const chosen = templates.find((one) => one.key === key) ?? first;
    setTemplate(chosen);
    onChange(codeOfTemplate(chosen));
  };
  return (
    <>
      <label class="field">
        <span>{t('Template')}</span>
        <select value={template.key} onChange={({ currentTarget }) => choose(currentTarget.value)}>
          {templates.map(({ key, title }) => (
            <option key={key} value={key}>
              {translated(title)}
            </option>
          ))}
        </select>
        <small>
          <RichText text="The code becomes {file}. Another template replaces it." values={{ file: <code>{template.file}</code> }} />
        </small>
      </label>
      <CodeEditor
        key={template.key}
        label={t('Code')}
        path={template.file}
        text={template.text}
        onChange={(text) => onChange(codeOfTemplate({ ...template, text }))}
      />
    </>
  );
}

type UploadProps = { kind: 'Zip file' | 'Folder'; onChange: (chosen: ChosenCode) => void };

function Upload({ kind, onChange }: UploadProps) {
  const [chosen, setChosen] = useState<ChosenCode>({ code: undefined, handler: 'index.handler' });
  const change = (changes: Partial<ChosenCode>): void => {
    setChosen({ ...chosen, ...changes });
    onChange({ ...chosen, ...changes });
  };
  const read = async (files: readonly File[]): Promise<void> => {
    const [only] = files;
    if (only !== undefined) change({ code: kind === 'Zip file' ? await readZipFile(only) : await readFolder(files) });
  };
  const hint =
    kind === 'Zip file' ? t('with the modules and their node_modules, at most 24 MB') : t('all its files are sent, at most 24 MB');
  return (
    <>
      <RuntimeField value={chosen.runtime ?? ''} onChange={(runtime) => change({ runtime: runtime === '' ? undefined : runtime })} />
      <label class="field">
        <span>{t(kind)}</span>
        <input
          type="file"
          {...(kind === 'Zip file' ? { accept: '.zip,application/zip' } : { webkitdirectory: true, multiple: true })}
          onChange={({ currentTarget }) => void read([...(currentTarget.files ?? [])])}
        />
        <small>{hint}</small>
      </label>
    </>
  );
}

/** Of Node.js and Python, the name of the file says enough. */
const namedRuntimes = ['custom', 'http', 'executable'];

function RuntimeField({ value, onChange }: { value: string; onChange: (runtime: string) => void }) {
  return (
    <label class="field">
      <span>{t('Runtime')}</span>
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">{t('by the name of the file')}</option>
        {namedRuntimes.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <small>
        <RichText
          text="The last three run the executable {file}, which can be in any language."
          values={{ file: <code>bootstrap</code> }}
        />
      </small>
    </label>
  );
}
