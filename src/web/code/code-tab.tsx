import { useState } from 'preact/hooks';
import type { FunctionCode } from '#src/gateway/api/code/code-schemas.ts';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { type ApiResponse, get, withQuery } from '../api/http.ts';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { t, tn } from '../shell/language.ts';
import { changeQuery, useLocation } from '../shell/router.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { CodeEditor } from './code-editor.tsx';
import { EditCode } from './edit-code.tsx';
import { FileField, NoText } from './file-field.tsx';

type CodeTabProps = { path: string; response: ApiResponse<FunctionView>; onSaved: () => void };

/** The code of a version. Only that of `latest` can be edited. With another version beside it, the difference is shown. */
export function CodeTab({ path, response, onSaved }: CodeTabProps) {
  const { query } = useLocation();
  const version = query.get('version') ?? 'latest';
  const other = query.get('with') ?? '';
  const versions = ['latest', ...response.content.versions.map((one) => one.version).reverse()];
  const { revision } = response.content;
  const shown = useCode(path, version, revision);
  return (
    <section class="card code-form" aria-label={t('Code')}>
      <div class="code-head">
        <VersionField label={t('Version')} value={version} versions={versions} onChange={(chosen) => changeQuery({ version: chosen })} />
        {versions.length < 2 ? null : (
          <VersionField
            label={t('Compare with')}
            value={other}
            versions={['', ...versions.filter((one) => one !== version)]}
            onChange={(chosen) => changeQuery({ with: chosen })}
          />
        )}
      </div>
      {shown.problem === undefined ? null : <ProblemNotice problem={shown.problem} onRetry={shown.reload} />}
      {shown.isLoading && shown.content === undefined ? <Skeleton lines={8} height={18} /> : null}
      {shown.content === undefined ? null : <LoadedCode {...{ path, response, other, onSaved }} code={shown.content} />}
    </section>
  );
}

function LoadedCode({ path, response, code, other, onSaved }: CodeTabProps & { code: FunctionCode; other: string }) {
  const { revision } = response.content;
  if (!code.is_stored) return <NoCode handler={code.handler} />;
  if (other !== '') return <Difference path={path} version={code} other={other} revision={revision} />;
  if (code.version === 'latest') return <EditCode key={revision} path={path} response={response} code={code} onSaved={onSaved} />;
  return <ReadCode key={code.version} code={code} />;
}

function useCode(path: string, version: string, revision: number) {
  // A published version keeps its code, but its name may be used again after its deletion.
  return useFetch(`${path} ${version} ${revision}`, (signal) =>
    get<FunctionCode>(withQuery(`${path}/code`, { qualifier: version }), signal),
  );
}

type VersionFieldProps = { label: string; value: string; versions: readonly string[]; onChange: (version: string) => void };

function VersionField({ label, value, versions, onChange }: VersionFieldProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {versions.map((version) => (
          <option key={version} value={version}>
            {version === '' ? t('no other version') : version}
          </option>
        ))}
      </select>
    </label>
  );
}

function NoCode({ handler }: { handler: FunctionCode['handler'] }) {
  return (
    <Empty title={t('The code is not stored in Sequent')} icon="system">
      {handler.kind === 'process' ? (
        <p>
          <RichText
            text="Each worker runs its own file {file}. The command below stores the file with what it imports."
            values={{ file: <code>{handler.file}</code> }}
          />
        </p>
      ) : handler.kind === 'subject' ? (
        <p>
          <RichText text="A NATS responder on the subject {subject} runs it." values={{ subject: <code>{handler.subject}</code> }} />
        </p>
      ) : handler.kind === 'http' ? (
        <p>
          <RichText text="The endpoint {url} runs it." values={{ url: <code>{handler.url}</code> }} />
        </p>
      ) : (
        <p>{t('A worker in your own process runs it.')}</p>
      )}
    </Empty>
  );
}

type Files = FunctionCode['files'];

function ReadCode({ code: { files } }: { code: FunctionCode }) {
  const [path, setPath] = useState(files[0]?.path ?? '');
  const text = files.find((one) => one.path === path)?.text;
  return (
    <>
      <FileField files={files} value={path} onChange={setPath} />
      {text === undefined ? <NoText /> : <CodeEditor key={path} label={t('Code of {path}', { path })} path={path} text={text} isReadOnly />}
    </>
  );
}

type DifferenceProps = { path: string; version: FunctionCode; other: string; revision: number };

/** The changes from the other version to the shown one, file by file. */
function Difference({ path, version, other, revision }: DifferenceProps) {
  const base = useCode(path, other, revision);
  if (base.problem !== undefined) return <ProblemNotice problem={base.problem} onRetry={base.reload} />;
  if (base.content === undefined) return <Skeleton lines={8} height={18} />;
  const changed = changesBetween(base.content.files, version.files);
  return (
    <>
      <p>
        <RichText
          text="From {other} to {version}: {difference}"
          values={{
            other: <b class="mono">{other}</b>,
            version: <b class="mono">{version.version}</b>,
            difference:
              changed.length === 0 ? t('the code is the same.') : tn(changed.length, ['one file differs.', '{count} files differ.']),
          }}
        />
      </p>
      {changed.map((file) => (
        <section key={`${file.path} ${other} ${version.version}`} aria-label={t('Changes of {path}', { path: file.path })}>
          <h2 class="mono">{file.path}</h2>
          {file.before === undefined || file.after === undefined ? (
            <NoText />
          ) : (
            <CodeEditor
              label={t('Changes of {path}', { path: file.path })}
              path={file.path}
              text={file.after}
              original={file.before}
              isReadOnly
            />
          )}
        </section>
      ))}
    </>
  );
}

type FileChange = { path: string; before: string | undefined; after: string | undefined };

/** The files that differ. A file that only one version has is empty in the other. */
function changesBetween(before: Files, after: Files): FileChange[] {
  const paths = [...new Set([...after, ...before].map(({ path }) => path))];
  return paths.flatMap((path) => {
    const [old, present] = [before, after].map((files) => files.find((one) => one.path === path));
    if (old !== undefined && present !== undefined && old.bytes === present.bytes && old.text === present.text) return [];
    return [{ path, before: old === undefined ? '' : old.text, after: present === undefined ? '' : present.text }];
  });
}
