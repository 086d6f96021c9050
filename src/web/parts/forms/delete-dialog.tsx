import { request } from '../../api/http.ts';
import { useAction } from '../../invocation/actions.tsx';
import { Dialog, DialogFooter } from '../../shell/dialog.tsx';
import { t } from '../../shell/language.ts';
import { showToast } from '../../shell/toasts.tsx';
import { ProblemNotice } from '../notices.tsx';

type DeleteDialogProps = {
  /** The path of the API. */
  path: string;
  name: string;
  /** What follows from the deletion. */
  consequence: string;
  /** The text of the button. */
  label: string;
  onClose: () => void;
  onDone: () => void;
};

/** Deletes a resource of the API, after a question. */
export function DeleteDialog({ path, name, consequence, label, onClose, onDone }: DeleteDialogProps) {
  const { run, isRunning, problem } = useAction<unknown>();
  const remove = (): void =>
    void run(async () => {
      await request(path, { method: 'DELETE' });
      showToast(t('{name} is deleted', { name }));
      onDone();
      onClose();
      return true;
    });
  return (
    <Dialog title={t('Delete {name}', { name })} onClose={onClose}>
      <div class="dialog-body">
        <p>{consequence}</p>
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button danger" disabled={isRunning} onClick={remove}>
          {label}
        </button>
      </DialogFooter>
    </Dialog>
  );
}
