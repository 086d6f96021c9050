import { useState } from 'preact/hooks';
import type { FunctionView } from '#src/gateway/api/schemas/functions.ts';
import { ask, withQuery } from '../api/http.ts';
import { problemOfJson, useAction } from '../invocation/actions.tsx';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { Dialog, DialogFoot } from '../shell/dialog.tsx';
import { navigate, paths } from '../shell/router.tsx';

/** Invokes a function with an event that somebody writes, and goes where it can be watched. */
export function InvokeDialog({ view: { definition, versions, aliases }, onClose }: { view: FunctionView; onClose: () => void }) {
  const [text, setText] = useState('{}');
  const [qualifier, setQualifier] = useState('');
  const { run, isRunning, problem } = useAction<unknown>();
  const wrong = problemOfJson(text);
  const start = (): void =>
    void run(async () => {
      const path = withQuery(`/api/functions/${encodeURIComponent(definition.name)}/invocations`, { qualifier });
      const { content } = await ask<{ request_id: string }>(path, { method: 'POST', body: JSON.parse(text) as unknown });
      navigate(paths.invocation(content.request_id));
      return true;
    });
  return (
    <Dialog title={`Invoke ${definition.name}`} onClose={onClose} wide>
      <div class="dialog-body">
        {definition.paused ? (
          <p class="notice tone-retrying">
            <Icon name="pause" />
            <span class="notice-text">The function is paused: what is invoked now waits until it is resumed, and ages.</span>
          </p>
        ) : null}
        {versions.length + aliases.length === 0 ? null : (
          <label class="field">
            <span>Version or alias</span>
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
        <label class="field">
          <span>Event</span>
          <textarea class="mono" rows={9} spellcheck={false} value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
          <small class={wrong === undefined ? '' : 'wrong'}>{wrong ?? 'JSON; the function gets it as its event'}</small>
        </label>
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFoot onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning || wrong !== undefined} onClick={start}>
          Invoke
        </button>
      </DialogFoot>
    </Dialog>
  );
}
