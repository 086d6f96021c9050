import { useState } from 'preact/hooks';
import type { FunctionCode } from '#src/gateway/api/code/code-schemas.ts';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { type ApiResponse, request } from '../api/http.ts';
import { useAction } from '../invocation/actions.tsx';
import { FormField, messageAt, problemBeside } from '../parts/forms/form-field.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { t } from '../shell/language.ts';
import { useRole } from '../shell/login/session.ts';
import { showToast } from '../shell/toasts.tsx';
import { CodeEditor } from './code-editor.tsx';
import { FileField, NoText } from './file-field.tsx';
import { type Code, handlerText, readFolder, readZipFile, storeCode } from './upload.ts';

type EditCodeProps = { path: string; response: ApiResponse<FunctionView>; code: FunctionCode; onSaved: () => void };

/** Edits the code of `latest`, or replaces it by a zip file or a folder. The next attempts run what is saved (CODE2). */
export function EditCode({ path, response, code: { files, handler }, onSaved }: EditCodeProps) {
  const present = handler.kind === 'process' ? handlerText(handler.file, handler.export) : '';
  const [file, setFile] = useState(files[0]?.path ?? '');
  const [changed, setChanged] = useState<Readonly<Record<string, string>>>({});
  const [entry, setEntry] = useState(present);
  const { run, isRunning, problem } = useAction<unknown>();
  const role = useRole('deploy');
  const stored = files.find((one) => one.path === file)?.text;
  const isChanged = entry !== present || files.some(({ path: one, text }) => changed[one] !== undefined && changed[one] !== text);

  const save = (code: Code): void =>
    void run(async () => {
      const initializer = handler.kind === 'process' && handler.initializer !== undefined ? { initializer: handler.initializer } : {};
      const saved = await storeCode(path, { ...code, handler: entry, ...initializer });
      const { definition } = response.content;
      await request(path, { method: 'PUT', body: { ...definition, handler: saved }, headers: { 'If-Match': response.etag ?? '*' } });
      showToast(t('The code is saved. Attempts that start from now on run it.'));
      onSaved();
      return true;
    });
  const beside = problemBeside(problem, ['/handler']);
  return (
    <>
      <FileField files={files} value={file} onChange={setFile} />
      {stored === undefined ? (
        <NoText />
      ) : (
        <CodeEditor
          key={file}
          label={t('Code of {path}', { path: file })}
          path={file}
          text={changed[file] ?? stored}
          onChange={(text) => setChanged((before) => ({ ...before, [file]: text }))}
        />
      )}
      <FormField
        label={t('Handler')}
        hint={t('the file without its extension, a dot, and the exported function')}
        value={entry}
        message={messageAt(problem, '/handler')}
        onChange={setEntry}
      />
      {beside === undefined ? null : <ProblemNotice problem={beside} />}
      <div class="policy-foot">
        <button
          type="button"
          class="button primary small"
          title={role.title}
          disabled={!isChanged || isRunning || role.disabled}
          onClick={() => save({ base: 'latest', files: Object.entries(changed).map(([one, text]) => ({ path: one, text })) })}
        >
          {t('Save the code')}
        </button>
        <Replacement isDisabled={isRunning || role.disabled} onChosen={save} />
      </div>
    </>
  );
}

/** Buttons that replace all files of the package. */
function Replacement({ isDisabled, onChosen }: { isDisabled: boolean; onChosen: (code: Code) => void }) {
  const choices = [
    {
      label: t('Replace by a zip file…'),
      attributes: { accept: '.zip,application/zip' },
      read: async ([file]: File[]) => file && readZipFile(file),
    },
    { label: t('Replace by a folder…'), attributes: { webkitdirectory: true, multiple: true }, read: readFolder },
  ];
  return (
    <>
      {choices.map(({ label, attributes, read }) => (
        <label key={label} class="button small file-button">
          {label}
          <input
            type="file"
            class="unseen"
            disabled={isDisabled}
            {...attributes}
            onChange={async ({ currentTarget }) => {
              const chosen = await read([...(currentTarget.files ?? [])]);
              currentTarget.value = '';
              if (chosen !== undefined) onChosen(chosen);
            }}
          />
        </label>
      ))}
    </>
  );
}
