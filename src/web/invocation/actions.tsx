import { useState } from 'preact/hooks';
import { type ApiError, post } from '../api/http.ts';
import { ProblemNotice } from '../parts/notices.tsx';
import { pretty } from '../parts/payload-text.ts';
import { problemOf } from '../shell/asked.ts';
import { Dialog, DialogFoot } from '../shell/dialog.tsx';
import { Link, paths } from '../shell/router.tsx';
import { say } from '../shell/toasts.tsx';

type RedriveProps = { id: string; payload?: string | undefined; onClose: () => void; onDone?: () => void };

/** Runs it again as a new invocation, with the same payload, byte for byte, or another one. */
export function RedriveDialog({ id, payload, onClose, onDone }: RedriveProps) {
  const [original] = useState(() => pretty(payload ?? '').text);
  const [text, setText] = useState(original);
  const { run, problem, isRunning, done } = useAction<{ request_id: string }>();
  const isChanged = payload !== undefined && text !== original;
  const wrong = isChanged ? problemOfJson(text) : undefined;
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
    <Dialog title="Redrive it" onClose={onClose} wide={payload !== undefined}>
      <div class="dialog-body">
        {done === undefined ? (
          <p>
            A new invocation starts; <code>{id}</code> stays as it is, and the two are linked.
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
            <small class={wrong === undefined ? '' : 'wrong'}>{wrong ?? (isChanged ? 'changed' : 'as it was')}</small>
          </label>
        )}
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFoot isDone={done !== undefined} onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning || wrong !== undefined} onClick={start}>
          Redrive
        </button>
      </DialogFoot>
    </Dialog>
  );
}

export function CancelDialog({ id, onClose, onDone }: { id: string; onClose: () => void; onDone: () => void }) {
  const [isRecursive, setIsRecursive] = useState(false);
  const { run, problem, isRunning } = useAction<{ canceled: string[] }>();
  const start = (): void =>
    void run(async () => {
      const answer = await post<{ canceled: string[] }>(`/api/invocations/${encodeURIComponent(id)}/cancel`, { recursive: isRecursive });
      say(`Cancelled ${answer.canceled.length === 1 ? 'it' : `${answer.canceled.length} invocations`}`);
      onDone();
      onClose();
      return answer;
    });
  return (
    <Dialog title="Cancel it" onClose={onClose}>
      <div class="dialog-body">
        <p>
          <code>{id}</code> fails with the condition <code>InvocationCanceled</code>, whatever its attempt says later. Its failure
          destinations are told.
        </p>
        <label class="check">
          <input type="checkbox" checked={isRecursive} onChange={({ currentTarget }) => setIsRecursive(currentTarget.checked)} />
          <span>also what followed from it</span>
        </label>
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFoot onClose={onClose}>
        <button type="button" class="button danger" disabled={isRunning} onClick={start}>
          Cancel the invocation
        </button>
      </DialogFoot>
    </Dialog>
  );
}

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
      say(`${destination} is told again`);
      onDone();
      onClose();
      return true;
    });
  return (
    <Dialog title="Deliver it again" onClose={onClose}>
      <div class="dialog-body">
        <p>
          The delivery to <code>{destination}</code> was given up. It is tried again under the same delivery id; the outcome does not
          change.
        </p>
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFoot onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning} onClick={start}>
          Deliver again
        </button>
      </DialogFoot>
    </Dialog>
  );
}

/** One action at a time, with what it answered or why it was refused. */
export function useAction<Answer>() {
  const [isRunning, setIsRunning] = useState(false);
  const [problem, setProblem] = useState<ApiError>();
  const [done, setDone] = useState<Answer>();
  const run = async (act: () => Promise<Answer>): Promise<void> => {
    setIsRunning(true);
    setProblem(undefined);
    try {
      const answer = await act();
      setDone(() => answer);
    } catch (thrown) {
      setProblem(problemOf(thrown));
    }
    setIsRunning(false);
  };
  return { run, isRunning, problem, done };
}

export function problemOfJson(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return `not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}
