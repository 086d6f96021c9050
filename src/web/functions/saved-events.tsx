import { useState } from 'preact/hooks';
import type { SavedEvents } from '#src/gateway/api/functions/function-schemas.ts';
import { request } from '../api/http.ts';
import { useAction } from '../invocation/actions.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { formatJson } from '../parts/payload-text.ts';
import { t } from '../shell/language.ts';
import { showToast } from '../shell/toasts.tsx';
import type { Fetched } from '../shell/use-fetch.ts';

type SavedEventsProps = {
  path: string;
  saved: Fetched<SavedEvents>;
  text: string;
  isValid: boolean;
  /** Called with the text of an event, or with `undefined` for the first event of the function. */
  onChoose: (text: string | undefined) => void;
};

/** Chooses, saves and deletes the test events of a function. Everybody who may read the function sees them. */
export function SavedEventsField({ path, saved: { content, problem, reload }, text, isValid, onChoose }: SavedEventsProps) {
  const [chosen, setChosen] = useState('');
  const [newName, setNewName] = useState<string>();
  const action = useAction<unknown>();
  const events = content?.events ?? [];
  const change = (method: 'PUT' | 'DELETE', event: string): void =>
    void action.run(async () => {
      const body = method === 'PUT' ? { text } : {};
      await request(`${path}/${encodeURIComponent(event)}`, { method, ...body });
      showToast(method === 'PUT' ? t('The test event {event} is saved', { event }) : t('{name} is deleted', { name: event }));
      setChosen(method === 'PUT' ? event : '');
      setNewName(undefined);
      reload();
      return true;
    });
  const choose = (event: string): void => {
    setChosen(event);
    const found = events.find((one) => one.name === event);
    if (found !== undefined) onChoose(formatJson(found.text).text);
    else if (content?.example !== undefined) onChoose(undefined);
  };
  const first = content?.example !== undefined ? t('example of the schema') : events.length === 0 ? t('none is saved') : undefined;
  return (
    <>
      <div class="code-head">
        <label class="field">
          <span>{t('Test event')}</span>
          <select value={chosen} onChange={({ currentTarget }) => choose(currentTarget.value)}>
            <option value="">{first ?? t('choose a saved event')}</option>
            {events.map((event) => (
              <option key={event.name} value={event.name}>
                {event.name}
              </option>
            ))}
          </select>
        </label>
        {newName === undefined ? (
          <button type="button" class="button small" disabled={!isValid} onClick={() => setNewName(chosen)}>
            {t('Save as a test event…')}
          </button>
        ) : (
          <>
            <label class="field">
              <span>{t('Name of the test event')}</span>
              <input
                type="text"
                value={newName}
                spellcheck={false}
                autocomplete="off"
                onInput={({ currentTarget }) => setNewName(currentTarget.value)}
              />
            </label>
            <button
              type="button"
              class="button small"
              disabled={!isValid || newName === '' || action.isRunning}
              onClick={() => change('PUT', newName)}
            >
              {t('Save the event')}
            </button>
          </>
        )}
        {chosen === '' ? null : (
          <button type="button" class="button small" disabled={action.isRunning} onClick={() => change('DELETE', chosen)}>
            {t('Delete the event')}
          </button>
        )}
      </div>
      {[problem, action.problem].map((one) => (one === undefined ? null : <ProblemNotice key={one.message} problem={one} />))}
    </>
  );
}
