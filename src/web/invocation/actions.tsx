import { useState } from 'preact/hooks';
import { type ApiError, post } from '../api/http.ts';
import { type InvocationName, invocationPath } from '../api/invocation-path.ts';
import { ProblemNotice } from '../parts/notices.tsx';
import { formatJson } from '../parts/payload-text.ts';
import { RichText } from '../parts/rich-text.tsx';
import { Dialog, DialogFooter } from '../shell/dialog.tsx';
import { t, tn } from '../shell/language.ts';
import { Link, paths } from '../shell/router.tsx';
import { showToast } from '../shell/toasts.tsx';
import { problemOf } from '../shell/use-fetch.ts';

type RedriveProps = { name: InvocationName; payload?: string | undefined; onClose: () => void; onDone?: () => void };

/** Redrives an invocation: with the same bytes as payload, or with the payload that the user edits. */
export function RedriveDialog({ name, payload, onClose, onDone }: RedriveProps) {
  const [original] = useState(() => formatJson(payload ?? '').text);
  const [text, setText] = useState(original);
  const { run, problem, isRunning, done } = useAction<{ request_id: string }>();
  const isChanged = payload !== undefined && text !== original;
  const payloadError = isChanged ? jsonError(text) : undefined;
  const start = (): void =>
    void run(async () => {
      const accepted = await post<{ request_id: string }>(invocationPath(name, '/redrive'), isChanged ? { payload: text } : undefined);
      onDone?.();
      return accepted;
    });
  return (
    <Dialog title={t('Redrive the invocation')} onClose={onClose} wide={payload !== undefined}>
      <div class="dialog-body">
        {done === undefined ? (
          <p>
            <RichText
              text="A new invocation is started and linked to {id}, which stays as it is."
              values={{ id: <code>{name.id}</code> }}
            />
          </p>
        ) : (
          <p>
            {t('Accepted as')}{' '}
            <Link to={paths.invocation(done.request_id, name.function)} class="mono">
              {done.request_id}
            </Link>
          </p>
        )}
        {payload === undefined || done !== undefined ? null : (
          <label class="field">
            <span>{t('Payload')}</span>
            <textarea
              class="mono"
              rows={10}
              spellcheck={false}
              value={text}
              onInput={({ currentTarget }) => setText(currentTarget.value)}
            />
            <small class={payloadError === undefined ? '' : 'wrong'}>{payloadError ?? (isChanged ? t('changed') : t('unchanged'))}</small>
          </label>
        )}
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter isDone={done !== undefined} onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning || payloadError !== undefined} onClick={start}>
          {t('Redrive')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

/** Cancels an invocation, optionally with all invocations that followed from it. */
export function CancelDialog({ name, onClose, onDone }: { name: InvocationName; onClose: () => void; onDone: () => void }) {
  const [isRecursive, setIsRecursive] = useState(false);
  const { run, problem, isRunning } = useAction<{ canceled: string[] }>();
  const start = (): void =>
    void run(async () => {
      const answer = await post<{ canceled: string[] }>(invocationPath(name, '/cancel'), { recursive: isRecursive });
      showToast(tn(answer.canceled.length, ['Cancelled the invocation', 'Cancelled {count} invocations']));
      onDone();
      onClose();
      return answer;
    });
  return (
    <Dialog title={t('Cancel the invocation')} onClose={onClose}>
      <div class="dialog-body">
        <p>
          <RichText
            text="{id} fails with the condition {condition}. A later result of its attempt is ignored. The failure is delivered to the failure destinations."
            values={{ id: <code>{name.id}</code>, condition: <code>InvocationCanceled</code> }}
          />
        </p>
        <label class="check">
          <input type="checkbox" checked={isRecursive} onChange={({ currentTarget }) => setIsRecursive(currentTarget.checked)} />
          <span>{t('also cancel the invocations that followed from it')}</span>
        </label>
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button danger" disabled={isRunning} onClick={start}>
          {t('Cancel the invocation')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

/** Tries a dead delivery again. */
export function RedeliverDialog({
  name,
  destination,
  onClose,
  onDone,
}: {
  name: InvocationName;
  destination: string;
  onClose: () => void;
  onDone: () => void;
}) {
  const { run, problem, isRunning } = useAction<unknown>();
  const start = (): void =>
    void run(async () => {
      await post(invocationPath(name, `/deliveries/${encodeURIComponent(destination)}/redeliver`));
      showToast(t('The delivery to {destination} is tried again', { destination }));
      onDone();
      onClose();
      return true;
    });
  return (
    <Dialog title={t('Deliver again')} onClose={onClose}>
      <div class="dialog-body">
        <p>
          <RichText
            text="The delivery to {destination} is dead. It is tried again with the same delivery id. The outcome of the invocation does not change."
            values={{ destination: <code>{destination}</code> }}
          />
        </p>
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning} onClick={start}>
          {t('Deliver again')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

/** Runs an action, and keeps its result or the reason of its refusal. */
export function useAction<Result>() {
  const [isRunning, setIsRunning] = useState(false);
  const [problem, setProblem] = useState<ApiError>();
  const [done, setDone] = useState<Result>();
  const run = async (action: () => Promise<Result>): Promise<void> => {
    setIsRunning(true);
    setProblem(undefined);
    try {
      const result = await action();
      setDone(() => result);
    } catch (thrown) {
      setProblem(problemOf(thrown));
    }
    setIsRunning(false);
  };
  return { run, isRunning, problem, done };
}

/** Why a text is not JSON; `undefined` when it is. */
export function jsonError(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return t('not JSON: {why}', { why: error instanceof Error ? error.message : String(error) });
  }
}
