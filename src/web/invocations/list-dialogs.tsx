import { useState } from 'preact/hooks';
import { MomentField, momentIn, momentText } from '../parts/forms/moment-field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Dialog, DialogFooter } from '../shell/dialog.tsx';
import { t, translated } from '../shell/language.ts';
import { changeQuery, navigate, paths } from '../shell/router.tsx';
import { zone } from '../shell/settings.ts';
import { createStoredValue, useStore } from '../shell/store.ts';
import { chosenColumns, columnNames, columns, defaultColumns } from './columns.tsx';
import { filterOf } from './filter.ts';
import { PurgeDialog } from './purge.tsx';
import type { ListDialogKind } from './toolbar.tsx';

/** A dialog of the list, which is loaded when it is opened. */
export function ListDialog({ kind, onClose }: { kind: ListDialogKind; onClose: () => void }) {
  switch (kind) {
    case 'range':
      return <RangeDialog onClose={onClose} />;
    case 'as-of':
      return <AsOfDialog onClose={onClose} />;
    case 'columns':
      return <ColumnsDialog onClose={onClose} />;
    case 'views':
      return <ViewsDialog onClose={onClose} />;
    case 'purge':
      return <PurgeDialog filter={filterOf(new URLSearchParams(location.search))} onClose={onClose} />;
  }
}

function RangeDialog({ onClose }: { onClose: () => void }) {
  const query = new URLSearchParams(location.search);
  const isUtc = useStore(zone) === 'utc';
  const [from, setFrom] = useState(momentText(query.get('from'), isUtc));
  const [to, setTo] = useState(momentText(query.get('to'), isUtc));
  const isReversed = from !== '' && to !== '' && from >= to;
  const apply = (): void => {
    changeQuery({ from: momentIn(from, isUtc), to: momentIn(to, isUtc), since: undefined }, { replace: false });
    onClose();
  };
  return (
    <Dialog title={t('Time range')} onClose={onClose}>
      <form class="dialog-body" onSubmit={submitting(apply)}>
        <MomentField label={t('Accepted from')} value={from} onChange={setFrom} />
        <MomentField label={t('Accepted before')} value={to} onChange={setTo} />
        <p class={isReversed ? 'wrong' : 'hint'} role={isReversed ? 'alert' : undefined}>
          {isReversed
            ? t('The range ends before it begins.')
            : isUtc
              ? t('Times are in UTC. An empty field is no bound.')
              : t('Times are in the time zone of this browser. An empty field is no bound.')}
        </p>
      </form>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button primary" disabled={isReversed} onClick={apply}>
          {t('Show the range')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

function AsOfDialog({ onClose }: { onClose: () => void }) {
  const isUtc = useStore(zone) === 'utc';
  const [moment, setMoment] = useState(momentText(new Date().toISOString(), isUtc));
  const [sequence, setSequence] = useState('');
  const isSequence = /^\d{1,15}$/.test(sequence);
  const apply = (): void => {
    changeQuery({ at: isSequence ? sequence : momentIn(moment, isUtc), since: undefined }, { replace: false });
    onClose();
  };
  return (
    <Dialog title={t('Show the list as of an earlier moment')} onClose={onClose}>
      <form class="dialog-body" onSubmit={submitting(apply)}>
        <MomentField label={t('At this time')} value={moment} onChange={setMoment} />
        <label class="field">
          <span>{t('Or behind this sequence of the log')}</span>
          <input
            type="text"
            inputMode="numeric"
            value={sequence}
            placeholder={t('none')}
            aria-invalid={sequence !== '' && !isSequence}
            onInput={({ currentTarget }) => setSequence(currentTarget.value.trim())}
          />
        </label>
        <p class="hint">{t('Every invocation is shown in the state that it had then. Later ones are left out.')}</p>
      </form>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button primary" disabled={sequence === '' ? moment === '' : !isSequence} onClick={apply}>
          {t('Show')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

function ColumnsDialog({ onClose }: { onClose: () => void }) {
  const chosen = useStore(chosenColumns);
  return (
    <Dialog title={t('Columns')} onClose={onClose}>
      <div class="dialog-body">
        {columnNames.map((name) => (
          <label key={name} class="check">
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              // A row is opened by the link in its request id.
              disabled={name === 'id'}
              onChange={({ currentTarget: { checked } }) =>
                chosenColumns.set(columnNames.filter((one) => (one === name ? checked : chosen.includes(one))))
              }
            />
            <span>{t(columns[name].head)}</span>
          </label>
        ))}
        <p class="hint">{t('This browser remembers the columns. A narrow window leaves some of them out.')}</p>
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button" onClick={() => chosenColumns.set(defaultColumns)}>
          {t('Default columns')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

const MAX_VIEWS = 50;
type SavedView = { name: string; query: string };
const savedViews = createStoredValue<readonly SavedView[]>('sequent-views', [], (stored) =>
  Array.isArray(stored) ? stored.filter(isView).slice(0, MAX_VIEWS) : undefined,
);

function isView(value: unknown): value is SavedView {
  const { name, query } = (value ?? {}) as Partial<SavedView>;
  return typeof name === 'string' && typeof query === 'string';
}

function ViewsDialog({ onClose }: { onClose: () => void }) {
  const views = useStore(savedViews);
  const [name, setName] = useState('');
  const present = location.search.slice(1);
  const save = (): void => {
    const title = name.trim();
    if (title === '') return;
    savedViews.set([...views.filter((view) => view.name !== title), { name: title, query: present }].slice(-MAX_VIEWS));
    setName('');
  };
  return (
    <Dialog title={t('Saved views')} onClose={onClose}>
      <div class="dialog-body">
        {views.length === 0 ? <p class="nothing">{t('none')}</p> : null}
        <ul class="saved-views">
          {views.map((view) => (
            <li key={view.name}>
              <button
                type="button"
                class="button quiet"
                onClick={() => {
                  navigate(view.query === '' ? paths.invocations : `${paths.invocations}?${view.query}`);
                  onClose();
                }}
              >
                {view.name}
              </button>
              <code>{wordsOf(view.query)}</code>
              <button
                type="button"
                class="button quiet small"
                aria-label={t('Delete the view {name}', { name: view.name })}
                title={t('Delete')}
                onClick={() => savedViews.set(views.filter((one) => one !== view))}
              >
                <Icon name="close" size={14} />
              </button>
            </li>
          ))}
        </ul>
        <form class="save-view" onSubmit={submitting(save)}>
          <label class="field">
            <span>{t('Save the present view as')}</span>
            <input
              type="text"
              value={name}
              maxLength={60}
              placeholder={t('name')}
              onInput={({ currentTarget }) => setName(currentTarget.value)}
            />
          </label>
          <small class="hint">{wordsOf(present)}</small>
        </form>
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button primary" disabled={name.trim() === ''} onClick={save}>
          {t('Save the view')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

/** A query of the address in words. */
function wordsOf(query: string): string {
  const parts = [...new URLSearchParams(query)].map(([name, value]) => `${translated(name.replaceAll('_', ' '))} ${value}`);
  return parts.length === 0 ? t('all invocations, the newest first') : parts.join(t(', '));
}

function submitting(action: () => void): (event: Event) => void {
  return (event) => {
    event.preventDefault();
    action();
  };
}
