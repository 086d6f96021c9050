import type { BulkView } from '#src/gateway/api/repair/repair-schemas.ts';
import { post } from '../api/http.ts';
import { useAction } from '../invocation/actions.tsx';
import { NoteDialog } from '../invocation/settle.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { Dialog, DialogFooter } from '../shell/dialog.tsx';
import { formatNumber, t } from '../shell/language.ts';
import { showToast } from '../shell/toasts.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { bodyOf, isFiltered, type LetterFilter } from './letter-filter.tsx';

type InBulkProps = { filter: LetterFilter; onClose: () => void; onDone: () => void };

/** Delivers all matching letters again. */
export function BulkRedeliver({ filter: chosen, onClose, onDone }: InBulkProps) {
  const filter = bodyOf(chosen);
  const { content, problem } = useFetch('count', () => post<BulkView>('/api/dead-letters/redrive', { filter, dry_run: true }));
  const { run, done, isRunning, problem: refusal } = useAction<BulkView>();
  const start = (): void =>
    void run(async () => {
      const answer = await post<BulkView>('/api/dead-letters/redrive', { filter });
      onDone();
      return answer;
    });
  const failed = refusal ?? problem;
  return (
    <Dialog title={t('Deliver all again')} onClose={onClose}>
      <div class="dialog-body">
        {failed === undefined ? null : <ProblemNotice problem={failed} />}
        <p role="status">{done === undefined ? countText(content) : resultText(done)}</p>
      </div>
      <DialogFooter isDone={done !== undefined} onClose={onClose}>
        <button type="button" class="button primary" disabled={(content?.matched ?? 0) === 0 || isRunning} onClick={start}>
          {t('Deliver {count} again', { count: content === undefined ? '…' : formatNumber(content.matched) })}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

/** Dismisses all matching letters, with a note. */
export function BulkDismiss({ filter: chosen, onClose, onDone }: InBulkProps) {
  const filter = bodyOf(chosen);
  return (
    <NoteDialog
      title={t('Dismiss all')}
      send={async (note) => {
        const { done, failed, next_cursor } = await post<BulkView>('/api/dead-letters/dismiss', { filter, note });
        const unchanged = failed.length === 0 ? '' : t('; {count} were not changed', { count: failed.length });
        const more = next_cursor === undefined ? '' : t('; there are more');
        showToast(t('{count} are dismissed', { count: formatNumber(done.length) }) + unchanged + more);
        onDone();
      }}
      onClose={onClose}
    >
      {isFiltered(chosen)
        ? t('All matching dead letters are dismissed, at most 500 at a time. They can still be delivered again.')
        : t('All dead letters are dismissed, at most 500 at a time. They can still be delivered again.')}
    </NoteDialog>
  );
}

function countText(found: BulkView | undefined): string {
  if (found === undefined) return t('Counting…');
  const matched = formatNumber(found.matched);
  const count = found.next_cursor === undefined ? matched : t('{count} and more', { count: matched });
  return t('{count} dead deliveries will be tried again.', { count });
}

function resultText({ done, failed, next_cursor }: BulkView): string {
  const again = t('{count} are tried again.', { count: formatNumber(done.length) });
  const unchanged =
    failed.length === 0 ? '' : t(' {count} were not changed: {reason}', { count: failed.length, reason: failed[0]?.detail ?? '' });
  return again + unchanged + (next_cursor === undefined ? '' : t(' There are more: repeat the action.'));
}
