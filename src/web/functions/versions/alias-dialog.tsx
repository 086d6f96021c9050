import { useState } from 'preact/hooks';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { request } from '../../api/http.ts';
import { useAction } from '../../invocation/actions.tsx';
import { FormField, numberOrText } from '../../parts/forms/form-field.tsx';
import { ProblemNotice } from '../../parts/notices.tsx';
import { Dialog, DialogFooter } from '../../shell/dialog.tsx';
import { t } from '../../shell/language.ts';
import { showToast } from '../../shell/toasts.tsx';

type Alias = FunctionView['aliases'][number];
type AliasProps = { path: string; view: FunctionView; alias: Alias | undefined; onClose: () => void; onDone: () => void };

/**
 * Creates an alias, or moves one. Other versions can get a share of its requests: a canary. The gateway refuses the change when the function
 * was changed since the dialog was opened: an automatic canary may have been rolled back meanwhile.
 */
export function AliasDialog({ path, view, alias, onClose, onDone }: AliasProps) {
  const [opened] = useState(view.revision);
  const versions = ['latest', ...view.versions.map(({ version }) => version).reverse()];
  const [name, setName] = useState(alias?.alias ?? '');
  const [version, setVersion] = useState(alias?.version ?? versions[1] ?? 'latest');
  const [description, setDescription] = useState(alias?.description ?? '');
  const [weights, setWeights] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(Object.entries(alias?.weights ?? {}).map(([other, share]) => [other, String(share)])),
  );
  const [isAuto, setAuto] = useState(alias?.auto !== undefined);
  const { run, isRunning, problem } = useAction<unknown>();
  const exists = alias === undefined && view.aliases.some((one) => one.alias === name);
  const save = (): void =>
    void run(async () => {
      const shares = Object.entries(weights).filter(([other, share]) => other !== version && share.trim() !== '' && share.trim() !== '0');
      const body = {
        ...{ version, description, weights: Object.fromEntries(shares.map(([other, share]) => [other, numberOrText(share)])) },
        auto: isAuto && shares.length > 0 ? (alias?.auto ?? {}) : null,
      };
      await request(`${path}/aliases/${encodeURIComponent(name)}`, { method: 'PUT', body, headers: { 'If-Match': `"${opened}"` } });
      showToast(t('{name} is saved. It applies to requests from now on.', { name: `!${name}` }));
      onDone();
      onClose();
      return true;
    });
  return (
    <Dialog
      title={
        alias === undefined ? t('New alias of {name}', { name: view.definition.name }) : t('Alias {name}', { name: `!${alias.alias}` })
      }
      onClose={onClose}
    >
      <div class="dialog-body">
        {alias === undefined ? (
          <FormField
            label={t('Name of the alias')}
            hint={t('such as prod; callers then invoke !prod')}
            value={name}
            message={exists ? t('An alias with this name exists. Choose another name, or edit that alias.') : undefined}
            onChange={setName}
          />
        ) : null}
        <label class="field">
          <span>{t('Version')}</span>
          <select value={version} onChange={({ currentTarget }) => setVersion(currentTarget.value)}>
            {versions.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
          <small>{t('gets all requests that no weight takes')}</small>
        </label>
        {versions.length < 2 ? null : (
          <fieldset class="weights">
            <legend>{t('Percentage of the requests for another version')}</legend>
            {versions
              .filter((one) => one !== version)
              .map((one) => (
                <FormField
                  key={one}
                  label={t('Weight of {version}', { version: one })}
                  isNumber
                  placeholder="0"
                  value={weights[one] ?? ''}
                  onChange={(share) => setWeights({ ...weights, [one]: share })}
                />
              ))}
            <label class="check">
              <input type="checkbox" checked={isAuto} onChange={({ currentTarget }) => setAuto(currentTarget.checked)} />{' '}
              {t('Promote or roll back without a person, by a test that is valid at every look')}
            </label>
          </fieldset>
        )}
        <FormField label={t('Description')} value={description} onChange={setDescription} />
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning || exists || name === ''} onClick={save}>
          {t('Save the alias')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}
