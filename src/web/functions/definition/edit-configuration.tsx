import { useState } from 'preact/hooks';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { type ApiResponse, request } from '../../api/http.ts';
import { LayerFields, layersOf } from '../../code/layers.tsx';
import { useAction } from '../../invocation/actions.tsx';
import { FormField, messageAt, problemBeside } from '../../parts/forms/form-field.tsx';
import { ProblemNotice } from '../../parts/notices.tsx';
import { Dialog, DialogFooter } from '../../shell/dialog.tsx';
import { t } from '../../shell/language.ts';
import { showToast } from '../../shell/toasts.tsx';
import { definitionOf, LimitFields, limitPointers, limitsOf } from './limit-fields.tsx';

type EditConfigurationProps = { path: string; response: ApiResponse<FunctionView>; onClose: () => void; onSaved: () => void };

/** Edits the limits, the layers and the user data of a function. A secret that is left as asterisks keeps its value. */
export function EditConfiguration({ path, response, onClose, onSaved }: EditConfigurationProps) {
  const { definition } = response.content;
  const [limits, setLimits] = useState(() => limitsOf(definition));
  const [userData, setUserData] = useState(() => linesOf(definition.userData));
  const [secrets, setSecrets] = useState(() => linesOf(definition.secretUserData ?? {}));
  const [layers, setLayers] = useState(() => layersOf(definition.handler));
  const { run, isRunning, problem } = useAction<unknown>();
  const save = (): void =>
    void run(async () => {
      const handler =
        layers === undefined ? definition.handler : { ...definition.handler, layers: layers.length === 0 ? undefined : layers };
      const data = { userData: recordOf(userData), secretUserData: recordOf(secrets) };
      const body = { ...definition, ...definitionOf(limits), ...data, handler };
      await request(path, { method: 'PUT', body, headers: { 'If-Match': response.etag ?? '*' } });
      showToast(t('The configuration is saved. Attempts that start from now on use it.'));
      onSaved();
      onClose();
      return true;
    });
  const beside = problemBeside(problem, ['/userData', '/secretUserData', LAYERS, ...limitPointers]);
  return (
    <Dialog title={t('Configuration of {name}', { name: definition.name })} onClose={onClose} wide>
      <div class="dialog-body">
        <LimitFields limits={limits} problem={problem} onChange={setLimits} />
        {layers === undefined ? null : <LayerFields layers={layers} message={messageAt(problem, LAYERS)} onChange={setLayers} />}
        <FormField
          label={t('User data')}
          hint={t("one NAME=value on each line; context.getUserData('NAME') reads it")}
          rows={4}
          value={userData}
          message={messageAt(problem, '/userData')}
          onChange={setUserData}
        />
        <FormField
          label={t('Secrets')}
          hint={t('like user data; a value is never shown again, and ****** keeps it')}
          rows={3}
          value={secrets}
          message={messageAt(problem, '/secretUserData')}
          onChange={setSecrets}
        />
        {beside === undefined ? null : <ProblemNotice problem={beside} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning} onClick={save}>
          {t('Save the configuration')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

/** Where an error of the layers points to. */
const LAYERS = '/handler/layers';

function linesOf(data: Readonly<Record<string, string>>): string {
  return Object.entries(data)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
}

/** The entries of the lines. A line without "=" is a name with an empty value; empty lines are ignored. */
function recordOf(lines: string): Record<string, string> {
  const entries = lines
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line): [string, string] => {
      const at = line.indexOf('=');
      return at < 0 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1)];
    });
  return Object.fromEntries(entries);
}
