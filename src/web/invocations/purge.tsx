import { useEffect, useRef, useState } from 'preact/hooks';
import type { BulkOperationView } from '#src/gateway/api/repair/bulk-operation-schemas.ts';
import { post } from '../api/http.ts';
import { useAction } from '../invocation/actions.tsx';
import { AbortButton, canAbort, isRunning, useOperations } from '../parts/bulk/bulk-operation.tsx';
import { CommandLine } from '../parts/copy.tsx';
import { FormField, messageAt, problemBeside } from '../parts/forms/form-field.tsx';
import { useFunctionNames } from '../parts/forms/function-filter.tsx';
import { MomentField, momentIn, momentText } from '../parts/forms/moment-field.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { formatExactTime } from '../parts/time.tsx';
import { Dialog, DialogFooter } from '../shell/dialog.tsx';
import { formatNumber, t, tn, translated } from '../shell/language.ts';
import { Link, paths } from '../shell/router.tsx';
import { zone } from '../shell/settings.ts';
import { useStore } from '../shell/store.ts';
import type { Filter } from './filter.ts';

/** What is purged, as the user typed it. */
type Draft = { function: string; before: string; reason: string };
type Step = 'choose' | 'count' | 'purge';

/** Erases the finished invocations of a function. A janitor counts them first, and the user types the name of the function. */
export function PurgeDialog({ filter, onClose }: { filter: Filter; onClose: () => void }) {
  const isUtc = useStore(zone) === 'utc';
  const [draft, setDraft] = useState<Draft>(() => ({
    function: filter.function ?? '',
    before: momentText(filter.to ?? new Date().toISOString(), isUtc),
    reason: '',
  }));
  const [typed, setTyped] = useState('');
  const { step, operation, isStarting, problem, start, back } = usePurge(draft, isUtc);
  const beside = problemBeside(problem, ['/filter/function']);
  return (
    <Dialog title={t('Purge finished invocations')} onClose={onClose}>
      <div class="dialog-body">
        {step === 'choose' ? (
          <Choice draft={draft} message={messageAt(problem, '/filter/function')} isUtc={isUtc} onChange={setDraft} />
        ) : (
          <Chosen draft={draft} isUtc={isUtc} />
        )}
        {step === 'count' ? <Count operation={operation} name={draft.function} typed={typed} onType={setTyped} /> : null}
        {step === 'purge' ? <Progress operation={operation} /> : null}
        {beside === undefined ? null : <ProblemNotice problem={beside} />}
      </div>
      <DialogFooter onClose={onClose}>
        {step === 'choose' ? (
          <button type="button" class="button primary" disabled={isStarting || !isWhole(draft)} onClick={() => start('count')}>
            {t('Count them')}
          </button>
        ) : null}
        {step === 'count' ? (
          <ConfirmButtons
            operation={operation}
            isConfirmed={typed === draft.function && !isStarting}
            onBack={back}
            onStart={() => start('purge')}
          />
        ) : null}
        {step === 'purge' && operation !== undefined && canAbort(operation) ? <AbortButton id={operation.id} /> : null}
      </DialogFooter>
    </Dialog>
  );
}

const isWhole = (draft: Draft): boolean => draft.function !== '' && draft.before !== '';

type ConfirmProps = { operation: BulkOperationView | undefined; isConfirmed: boolean; onBack: () => void; onStart: () => void };

function ConfirmButtons({ operation, isConfirmed, onBack, onStart }: ConfirmProps) {
  const total = isCounted(operation) ? (operation.total ?? 0) : undefined;
  return (
    <>
      <button type="button" class="button" onClick={onBack}>
        {t('Change')}
      </button>
      <button type="button" class="button danger" disabled={!total || !isConfirmed} onClick={onStart}>
        {t('Erase {count}', { count: total === undefined ? '…' : formatNumber(total) })}
      </button>
    </>
  );
}

/** The steps of a purge: its count and its erasure are operations of the same kind. */
function usePurge({ function: name, before, reason }: Draft, isUtc: boolean) {
  const [started, setStarted] = useState<{ step: Step; id: string }>({ step: 'choose', id: '' });
  const { operations, problem: unread } = useOperations(started.id === '' ? [] : [started.id]);
  const { run, isRunning: isStarting, problem } = useAction<unknown>();
  const start = (step: 'count' | 'purge'): void =>
    void run(async () => {
      const filter = { function: name, to: Date.parse(momentIn(before, isUtc) ?? '') };
      const body = { action: 'purge', filter, dry_run: step === 'count', ...(reason === '' ? {} : { reason }) };
      const { id } = await post<BulkOperationView>('/api/bulk', body);
      setStarted({ step, id });
      return true;
    });
  const operation = operations.find(({ id }) => id === started.id);
  const back = (): void => setStarted({ step: 'choose', id: '' });
  return { step: started.step, operation, isStarting, problem: problem ?? unread, start, back };
}

function isCounted(operation: BulkOperationView | undefined): operation is BulkOperationView {
  return operation !== undefined && !isRunning(operation);
}

type ChoiceProps = { draft: Draft; message: string | undefined; isUtc: boolean; onChange: (draft: Draft) => void };

function Choice({ draft, message, isUtc, onChange }: ChoiceProps) {
  const { names } = useFunctionNames();
  return (
    <>
      <p>{t('The invocations leave the log, the archive, the results and the read models. Nothing can bring them back.')}</p>
      <FormField
        label={t('Invocations of the function')}
        hint={t('those with an outcome whose deliveries are over; open ones stay')}
        value={draft.function}
        message={message}
        choices={names}
        onChange={(name) => onChange({ ...draft, function: name })}
      />
      <MomentField label={t('Accepted before')} value={draft.before} onChange={(before) => onChange({ ...draft, before })} />
      <p class="hint">{isUtc ? t('The time is in UTC.') : t('The time is in the time zone of this browser.')}</p>
      <FormField
        label={t('Reason')}
        hint={t('the log keeps it, with your name')}
        value={draft.reason}
        onChange={(reason) => onChange({ ...draft, reason: reason.slice(0, 512) })}
      />
    </>
  );
}

function Chosen({ draft, isUtc }: { draft: Draft; isUtc: boolean }) {
  const timeZone = useStore(zone);
  const at = Date.parse(momentIn(draft.before, isUtc) ?? '');
  return (
    <p>
      <RichText
        text="The finished invocations of {function} that were accepted before {time}"
        values={{ function: <code>{draft.function}</code>, time: <span>{formatExactTime(at, timeZone)}</span> }}
      />
    </p>
  );
}

type CountProps = { operation: BulkOperationView | undefined; name: string; typed: string; onType: (typed: string) => void };

function Count({ operation, name, typed, onType }: CountProps) {
  if (!isCounted(operation))
    return (
      <>
        <p role="status">{t('A janitor counts them…')}</p>
        <p class="hint">{t('Without a running janitor nothing is counted. This command starts one:')}</p>
        <CommandLine text="sequent serve --role janitor" />
      </>
    );
  if (!operation.total) return <p role="status">{t('Nothing matches: nothing would be erased.')}</p>;
  return <Confirmation operation={operation} name={name} typed={typed} onType={onType} />;
}

function Confirmation({ operation: { total = 0, messages = 0 }, name, typed, onType }: CountProps & { operation: BulkOperationView }) {
  const field = useRef<HTMLDivElement>(null);
  // The button that had the focus is gone.
  useEffect(() => field.current?.querySelector('input')?.focus(), []);
  return (
    <div ref={field}>
      <p role="status">
        {tn(
          total,
          ['1 invocation would be erased, in {messages} messages.', '{count} invocations would be erased, in {messages} messages.'],
          {
            messages: formatNumber(messages),
          },
        )}
      </p>
      <FormField label={t('Type {name} to confirm', { name })} value={typed} onChange={onType} />
    </div>
  );
}

function Progress({ operation }: { operation: BulkOperationView | undefined }) {
  const text = useRef<HTMLParagraphElement>(null);
  useEffect(() => text.current?.focus(), []);
  return (
    <>
      <p role="status" ref={text} tabIndex={-1}>
        {operation === undefined ? t('The purge is requested…') : progressText(operation)}
      </p>
      <p class="operation-links">
        <Link to={paths.system}>{t('Show it on the page System')}</Link>
      </p>
    </>
  );
}

function progressText(operation: BulkOperationView): string {
  const { state, step, done } = operation;
  if (state === 'aborted') return t('The purge was aborted. Nothing was erased.');
  if (!isRunning(operation)) return tn(done, ['1 invocation is erased.', '{count} invocations are erased.']);
  return t('The janitor works: {step}…', { step: translated(step ?? 'searching') });
}
