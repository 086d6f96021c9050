import { useState } from 'preact/hooks';
import { post } from '../api/http.ts';
import { type InvocationName, invocationPath } from '../api/invocation-path.ts';
import { ProblemNotice } from '../parts/notices.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { Dialog, DialogFooter } from '../shell/dialog.tsx';
import { type Text, t } from '../shell/language.ts';
import { showToast } from '../shell/toasts.tsx';
import { useAction } from './actions.tsx';

export type SettleKind = 'give-up' | 'dismiss';

const words: Readonly<Record<SettleKind, { title: Text; text: Text; done: Text }>> = {
  'give-up': {
    title: 'Give up the delivery',
    text: 'The delivery to {destination} is not tried again. A try in progress may still reach its target. The outcome of the invocation does not change.',
    done: 'The delivery to {destination} is given up',
  },
  dismiss: {
    title: 'Dismiss the dead letter',
    text: 'The delivery to {destination} is no dead letter any more. It can still be delivered again. The outcome of the invocation does not change.',
    done: 'The delivery to {destination} is dismissed',
  },
};

type SettleProps = { kind: SettleKind; name: InvocationName; destination: string; onClose: () => void; onDone: () => void };

/** Settles a delivery with a note, which the log keeps. */
export function SettleDialog({ kind, name, destination, onClose, onDone }: SettleProps) {
  const { title, text, done } = words[kind];
  return (
    <NoteDialog
      title={t(title)}
      send={async (note) => {
        await post(invocationPath(name, `/deliveries/${encodeURIComponent(destination)}/${kind}`), { note });
        showToast(t(done, { destination }));
        onDone();
      }}
      onClose={onClose}
    >
      <RichText text={text} values={{ destination: <code>{destination}</code> }} />
    </NoteDialog>
  );
}

type NoteProps = { title: string; send: (note: string) => Promise<void>; onClose: () => void; children: preact.ComponentChildren };

/** Asks for a note, sends it, and closes. */
export function NoteDialog({ title, send, onClose, children }: NoteProps) {
  const [note, setNote] = useState('');
  const { run, problem, isRunning } = useAction<void>();
  const start = (): void =>
    void run(async () => {
      await send(note);
      onClose();
    });
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="dialog-body">
        <p>{children}</p>
        <label class="field">
          <span>{t('Note')}</span>
          <input
            value={note}
            maxLength={512}
            placeholder={t('why; the log keeps it')}
            onInput={({ currentTarget }) => setNote(currentTarget.value)}
          />
        </label>
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning || note.trim() === ''} onClick={start}>
          {title}
        </button>
      </DialogFooter>
    </Dialog>
  );
}
