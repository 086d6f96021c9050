import { useState } from 'preact/hooks';
import type { FunctionView, SavedEvents } from '#src/gateway/api/functions/function-schemas.ts';
import { get, request, withQuery } from '../api/http.ts';
import { jsonError, useAction } from '../invocation/actions.tsx';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { formatJson } from '../parts/payload-text.ts';
import { Dialog, DialogFooter } from '../shell/dialog.tsx';
import { t } from '../shell/language.ts';
import { navigate, paths } from '../shell/router.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { SavedEventsField } from './saved-events.tsx';
import '../styles/pages/code.css';

/** Invokes a function with an event that the user writes, and opens the page of the invocation. */
export function InvokeDialog({ view: { definition, versions, aliases }, onClose }: { view: FunctionView; onClose: () => void }) {
  const path = `/api/functions/${encodeURIComponent(definition.name)}`;
  const saved = useFetch(path, (signal) => get<SavedEvents>(`${path}/test-events`, signal));
  const [typed, setTyped] = useState<string>();
  const text = typed ?? formatJson(saved.content?.example ?? '{}').text;
  const [qualifier, setQualifier] = useState('');
  const { run, isRunning, problem } = useAction<unknown>();
  const eventError = jsonError(text);
  const start = (): void =>
    void run(async () => {
      const { content } = await request<{ request_id: string }>(withQuery(`${path}/invocations`, { qualifier }), {
        method: 'POST',
        text,
      });
      navigate(paths.invocation(content.request_id, definition.name));
      return true;
    });
  return (
    <Dialog title={t('Invoke {name}', { name: definition.name })} onClose={onClose} wide>
      <div class="dialog-body">
        {definition.paused ? (
          <p class="notice tone-retrying">
            <Icon name="pause" />
            <span class="notice-text">
              {t('The function is paused. A new invocation waits until the function is resumed, and its age grows.')}
            </span>
          </p>
        ) : null}
        {versions.length + aliases.length === 0 ? null : (
          <label class="field">
            <span>{t('Version or alias')}</span>
            <select value={qualifier} onChange={({ currentTarget }) => setQualifier(currentTarget.value)}>
              <option value="">latest</option>
              {aliases.map(({ alias }) => (
                <option key={alias} value={`!${alias}`}>
                  !{alias}
                </option>
              ))}
              {versions.map(({ version }) => (
                <option key={version} value={version}>
                  {version}
                </option>
              ))}
            </select>
          </label>
        )}
        <SavedEventsField path={`${path}/test-events`} saved={saved} text={text} isValid={eventError === undefined} onChoose={setTyped} />
        <label class="field">
          <span>{t('Event')}</span>
          <textarea class="mono" rows={9} spellcheck={false} value={text} onInput={({ currentTarget }) => setTyped(currentTarget.value)} />
          <small class={eventError === undefined ? '' : 'wrong'}>{eventError ?? t('JSON that the function receives as its event')}</small>
        </label>
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning || eventError !== undefined} onClick={start}>
          {t('Invoke')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}
