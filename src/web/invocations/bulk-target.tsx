import { Icon } from '../parts/icon.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { formatNumber, t } from '../shell/language.ts';
import { useRole } from '../shell/login/session.ts';
import type { Filter } from './filter.ts';
import type { Chosen, RowSelection } from './row-selection.ts';

export type BulkKind = 'redrive' | 'cancel';
/** The invocations of a bulk action: the chosen ones, or else all that match the filter. `onDone` is called when the action has begun. */
export type BulkTarget = { filter: Filter; chosen?: readonly Chosen[]; onDone?: () => void };

/** The actions on all invocations that match the filter of the list. */
export function BulkButtons({ onBulk, onPurge }: { onBulk: (kind: BulkKind) => void; onPurge: () => void }) {
  const role = useRole('admin');
  return (
    <>
      <button type="button" class="button small" {...role} onClick={() => onBulk('redrive')}>
        <Icon name="redriven" size={14} /> {t('Redrive in bulk…')}
      </button>
      <button type="button" class="button small" {...role} onClick={() => onBulk('cancel')}>
        <Icon name="failed" size={14} /> {t('Cancel in bulk…')}
      </button>
      <button type="button" class="button small" {...role} onClick={onPurge}>
        <Icon name="close" size={14} /> {t('Purge…')}
      </button>
    </>
  );
}

/** The number of selected rows, and the actions on them. */
export function SelectionBar({
  selection: { size, clear },
  canChange,
  onBulk,
}: {
  selection: RowSelection;
  canChange: boolean;
  onBulk: (kind: BulkKind) => void;
}) {
  const role = useRole('admin');
  const state = canChange ? role : { disabled: true, title: t('The list shows an earlier moment') };
  return (
    <section class="selection" aria-label={t('Selection')}>
      <span role="status">
        <RichText text="{count} selected" values={{ count: <strong>{formatNumber(size)}</strong> }} />
      </span>
      <button type="button" class="button small" {...state} onClick={() => onBulk('redrive')}>
        <Icon name="redriven" size={14} /> {t('Redrive…')}
      </button>
      <button type="button" class="button small" {...state} onClick={() => onBulk('cancel')}>
        <Icon name="failed" size={14} /> {t('Cancel…')}
      </button>
      <button type="button" class="button quiet small" onClick={clear}>
        {t('Select none')}
      </button>
    </section>
  );
}
