import type { FunctionCode } from '#src/gateway/api/code/code-schemas.ts';
import { formatBytes } from '../parts/payload-text.ts';
import { t } from '../shell/language.ts';

/** Chooses one of the files of a package. Absent while there is only one. */
export function FileField({ files, value, onChange }: { files: FunctionCode['files']; value: string; onChange: (path: string) => void }) {
  if (files.length < 2) return null;
  return (
    <label class="field">
      <span>{t('File')}</span>
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {files.map(({ path, bytes }) => (
          <option key={path} value={path}>
            {path} ({formatBytes(bytes)})
          </option>
        ))}
      </select>
    </label>
  );
}

/** Stands for a file that the editor cannot show. */
export function NoText() {
  return <p class="nothing">{t('This file is binary or too large to be shown.')}</p>;
}
