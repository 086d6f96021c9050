import { useState } from 'preact/hooks';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { post } from '../../api/http.ts';
import { useAction } from '../../invocation/actions.tsx';
import { FormField } from '../../parts/forms/form-field.tsx';
import { ProblemNotice } from '../../parts/notices.tsx';
import { Dialog, DialogFooter } from '../../shell/dialog.tsx';
import { t } from '../../shell/language.ts';
import { showToast } from '../../shell/toasts.tsx';

type PublishProps = { path: string; view: FunctionView; onClose: () => void; onDone: () => void };

/** Publishes `latest` as a version. */
export function PublishDialog({ path, view, onClose, onDone }: PublishProps) {
  const [version, setVersion] = useState('');
  const [description, setDescription] = useState('');
  const { run, isRunning, problem } = useAction<unknown>();
  const publish = (): void =>
    void run(async () => {
      const published = await post<FunctionView>(`${path}/versions`, { ...(version === '' ? {} : { version }), description });
      showToast(t('{version} is published', { version: published.versions.at(-1)?.version ?? t('The version') }));
      onDone();
      onClose();
      return true;
    });
  return (
    <Dialog title={t('Publish a version of {name}', { name: view.definition.name })} onClose={onClose}>
      <div class="dialog-body">
        <p>{t('A version keeps the code, the limits and the user data that latest has now. Its policy can be changed later.')}</p>
        <FormField label={t('Version')} hint={t('such as v1; without a name, the time')} value={version} onChange={setVersion} />
        <FormField label={t('Description')} hint={t('what changed')} value={description} onChange={setDescription} />
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning} onClick={publish}>
          {t('Publish')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}
