import { useState } from 'preact/hooks';
import { type ApiError, post } from '../api/http.ts';
import { ProblemNotice } from '../parts/notices.tsx';
import { formatJson } from '../parts/payload-text.ts';
import { Dialog, DialogFooter } from '../shell/dialog.tsx';
import { Link, paths } from '../shell/router.tsx';
import { showToast } from '../shell/toasts.tsx';
import { problemOf } from '../shell/use-fetch.ts';

type RedriveProps = { id: string; payload?: string | undefined; onClose: () => void; onDone?: () => void };

/** Redrives an invocation: with the same bytes as payload, or with the payload that the user edits. */
export function RedriveDialog({ id, payload, onClose, onDone }: RedriveProps) {
  const [original] = useState(() => formatJson(payload ?? '').text);
  const [text, setText] = useState(original);
  const { run, problem, isRunning, done } = useAction<{ request_id: string }>();
  const isChanged = payload !== undefined && text !== original;
  const payloadError = isChanged ? jsonError(text) : undefined;
  const start = (): void =>
    void run(async () => {
      const accepted = await post<{ request_id: string }>(
        `/api/invocations/${encodeURIComponent(id)}/redrive`,
        isChanged ? { payload: text } : undefined,
      );
      onDone?.();
      return accepted;
    });
  return (
    <Dialog title="Redrive the invocation" onClose={onClose} wide={payload !== undefined}>
      <div class="dialog-body">
        {done === undefined ? (
          <p>
            A new invocation is started and linked to <code>{id}</code>, which stays as it is.
          </p>
        ) : (
          <p>
            Accepted as{' '}
            <Link to={paths.invocation(done.request_id)} class="mono">
              {done.request_id}
            </Link>
          </p>
        )}
        {payload === undefined || done !== undefined ? null : (
          <label class="field">
            <span>Payload</span>
            <textarea
              class="mono"
              rows={10}
              spellcheck={false}
              value={text}
              onInput={({ currentTarget }) => setText(currentTarget.value)}
            />
            <small class={payloadError === undefined ? '' : 'wrong'}>{payloadError ?? (isChanged ? 'changed' : 'unchanged')}</small>
          </label>
        )}
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter isDone={done !== undefined} onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning || payloadError !== undefined} onClick={start}>
          Redrive
        </button>
      </DialogFooter>
    </Dialog>
  );
}

/** Cancels an invocation, optionally with all invocations that followed from it. */
export function CancelDialog({ id, onClose, onDone }: { id: string; onClose: () => void; onDone: () => void }) {
  const [isRecursive, setIsRecursive] = useState(false);
  const { run, problem, isRunning } = useAction<{ canceled: string[] }>();
  const start = (): void =>
    void run(async () => {
      const answer = await post<{ canceled: string[] }>(`/api/invocations/${encodeURIComponent(id)}/cancel`, { recursive: isRecursive });
      showToast(`Cancelled ${answer.canceled.length === 1 ? 'the invocation' : `${answer.canceled.length} invocations`}`);
      onDone();
      onClose();
      return answer;
    });
  return (
    <Dialog title="Cancel the invocation" onClose={onClose}>
      <div class="dialog-body">
        <p>
          <code>{id}</code> fails with the condition <code>InvocationCanceled</code>. A later result of its attempt is ignored. The failure
          is delivered to the failure destinations.
        </p>
        <label class="check">
          <input type="checkbox" checked={isRecursive} onChange={({ currentTarget }) => setIsRecursive(currentTarget.checked)} />
          <span>also cancel the invocations that followed from it</span>
        </label>
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button danger" disabled={isRunning} onClick={start}>
          Cancel the invocation
        </button>
      </DialogFooter>
    </Dialog>
  );
}

/** Tries a dead delivery again. */
export function RedeliverDialog({
  id,
  destination,
  onClose,
  onDone,
}: {
  id: string;
  destination: string;
  onClose: () => void;
  onDone: () => void;
}) {
  const { run, problem, isRunning } = useAction<unknown>();
  const start = (): void =>
    void run(async () => {
      await post(`/api/invocations/${encodeURIComponent(id)}/deliveries/${encodeURIComponent(destination)}/redeliver`);
      showToast(`The delivery to ${destination} is tried again`);
      onDone();
      onClose();
      return true;
    });
  return (
    <Dialog title="Deliver again" onClose={onClose}>
      <div class="dialog-body">
        <p>
          The delivery to <code>{destination}</code> is dead. It is tried again with the same delivery id. The outcome of the invocation
          does not change.
        </p>
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning} onClick={start}>
          Deliver again
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
    return `not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}
