import { useState } from 'preact/hooks';
import type { BatchView } from '#src/gateway/api/batches/batch-schemas.ts';
import type { BulkOperationView } from '#src/gateway/api/repair/bulk-operation-schemas.ts';
import { post, withQuery } from '../api/http.ts';
import { useAction } from '../invocation/actions.tsx';
import { FormField } from '../parts/forms/form-field.tsx';
import { Icon, type IconName } from '../parts/icon.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { Dialog, DialogFooter } from '../shell/dialog.tsx';
import { formatNumber, type Text, t } from '../shell/language.ts';
import { useRole } from '../shell/login/session.ts';
import { navigate, paths } from '../shell/router.tsx';
import { showToast } from '../shell/toasts.tsx';
import { failuresOf, openMembersOf } from './progress.tsx';

export type BatchAction = 'seal' | 'cancel' | 'redrive';

type Words = { icon: IconName; button: Text; title: Text; text: Text };
const words: Readonly<Record<BatchAction, Words>> = {
  seal: {
    icon: 'succeeded',
    button: 'Seal…',
    title: 'Seal the batch',
    text: 'No further member is awaited: the destinations are told once all members are over.',
  },
  cancel: {
    icon: 'failed',
    button: 'Cancel…',
    title: 'Cancel the batch',
    text: 'The members without an outcome fail with the condition InvocationCanceled. Members that are over stay as they are.',
  },
  redrive: {
    icon: 'redriven',
    button: 'Redrive failed…',
    title: 'Redrive the failed members',
    text: 'The failed members are run again, as the members of a new batch. Members that were redriven before are left out.',
  },
};

/** What can be done with a batch in its present state. */
function actionsFor(batch: BatchView): BatchAction[] {
  const isOpen = batch.state === 'open';
  return [
    ...(isOpen ? ['seal' as const] : []),
    ...(isOpen || openMembersOf(batch) > 0 ? ['cancel' as const] : []),
    ...(failuresOf(batch) > 0 ? ['redrive' as const] : []),
  ];
}

export function BatchButtons({ batch, onAction }: { batch: BatchView; onAction: (action: BatchAction) => void }) {
  const role = useRole('invoke');
  return (
    <>
      {actionsFor(batch).map((action) => (
        <button
          key={action}
          type="button"
          class={action === 'cancel' ? 'button small danger' : 'button small'}
          {...role}
          onClick={() => onAction(action)}
        >
          <Icon name={words[action].icon} size={14} /> {t(words[action].button)}
        </button>
      ))}
    </>
  );
}

type DialogProps = { action: BatchAction; batch: BatchView; onClose: () => void; onDone: () => void };

/** Performs an action on a batch after a confirmation. */
export function BatchDialog({ action, batch, onClose, onDone }: DialogProps) {
  const [reason, setReason] = useState('');
  const { run, problem, isRunning } = useAction<unknown>();
  const { title, text } = words[action];
  const start = (): void =>
    void run(async () => {
      await perform(action, batch, reason);
      onDone();
      onClose();
      return true;
    });
  return (
    <Dialog title={t(title)} onClose={onClose}>
      <div class="dialog-body">
        <p>{t(text)}</p>
        {action === 'cancel' ? <FormField label={t('Reason')} value={reason} onChange={setReason} /> : null}
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class={action === 'cancel' ? 'button danger' : 'button primary'} disabled={isRunning} onClick={start}>
          {t(title)}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

async function perform(action: BatchAction, { id, function: fn }: BatchView, reason: string): Promise<void> {
  const path = withQuery(`/api/batches/${encodeURIComponent(id)}/${action}`, { function: fn });
  if (action === 'seal') {
    const { sealed } = await post<{ sealed: boolean }>(path);
    showToast(sealed ? t('The batch is sealed') : t('The batch was sealed before'));
    return;
  }
  const { total = 0, batch } = await post<BulkOperationView>(path, action === 'cancel' && reason !== '' ? { reason } : undefined);
  if (action === 'cancel') showToast(t('{count} members are being cancelled', { count: formatNumber(total) }));
  else if (batch !== undefined) navigate(paths.batch(batch, fn));
}
