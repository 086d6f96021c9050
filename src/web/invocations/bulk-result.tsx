import type { BulkOperationView } from '#src/gateway/api/repair/bulk-operation-schemas.ts';
import type { BulkView } from '#src/gateway/api/repair/repair-schemas.ts';
import { isRunning, OperationProgress } from '../parts/bulk/bulk-operation.tsx';
import { operationListPath } from '../parts/bulk/operation-list.ts';
import { RichText } from '../parts/rich-text.tsx';
import { formatNumber, type Text, t, translated } from '../shell/language.ts';
import { follow, Link, paths } from '../shell/router.tsx';
import type { BulkKind } from './bulk-target.tsx';

/** The invocations that match, and those that the filter covers and the action leaves out. */
export type Matched = { count: number; isCounted: boolean; skipped: NonNullable<BulkView['skipped']> };

const REDRIVEN_BEFORE = 'were redriven before';

/** Why the action leaves invocations of the filter out. */
export function Skipped({ skipped }: Pick<Matched, 'skipped'>) {
  if (skipped.length === 0) return null;
  return (
    <>
      <p>{t('Left out:')}</p>
      <ul>
        {skipped.map(({ why, count }) => (
          <li key={why}>
            {formatNumber(count)} {translated(why)}
          </li>
        ))}
      </ul>
    </>
  );
}

const doneTexts = {
  redrive: { soFar: '{count} redriven so far…', whole: '{count} redriven.' },
  cancel: { soFar: '{count} cancelled so far…', whole: '{count} cancelled.' },
} as const satisfies Record<BulkKind, Record<'soFar' | 'whole', Text>>;

type ResultProps = Pick<Matched, 'skipped'> & { kind: BulkKind; operations: readonly BulkOperationView[]; onClose: () => void };

/** What operations have done until now: their progress, what they left out and why, and what they could not change. */
export function BulkResult({ kind, operations, skipped, onClose }: ResultProps) {
  const sum = (value: (one: BulkOperationView) => number): number => operations.reduce((total, one) => total + value(one), 0);
  const leftOut = sum(({ left_out }) => left_out);
  const isGoingOn = operations.some(isRunning);
  const [list] = operations.map(operationListPath);
  return (
    <>
      <p role="status">
        <RichText
          text={doneTexts[kind][isGoingOn ? 'soFar' : 'whole']}
          values={{ count: <strong>{formatNumber(sum(({ done }) => done))}</strong> }}
        />
        {operations.some(({ state }) => state === 'aborted') ? t(' The operation was aborted.') : ''}
      </p>
      <OperationProgress operations={operations} />
      {isGoingOn ? <p class="hint">{t('It continues when this dialog is closed. The page System lists it.')}</p> : null}
      {/* The operation counts what was redriven before itself, because more may be redriven until then. */}
      <Skipped
        skipped={[
          ...(leftOut === 0 ? [] : [{ why: REDRIVEN_BEFORE, count: leftOut }]),
          ...skipped.filter(({ why }) => why !== REDRIVEN_BEFORE),
        ]}
      />
      {operations.map(({ id, problem }) =>
        problem === undefined ? null : <p key={id}>{t('It stopped: {reason}', { reason: problem })}</p>,
      )}
      <Failures operations={operations} count={sum(({ failed }) => failed)} />
      <p class="operation-links">
        {list === undefined ? null : <ListLink to={list} onClose={onClose} />}
        <Link to={paths.system}>{t('Show it on the page System')}</Link>
      </p>
    </>
  );
}

/** Shows the invocations in the list, which is below the dialog: the dialog is closed. */
function ListLink({ to, onClose }: { to: string; onClose: () => void }) {
  const open = (event: MouseEvent): void => {
    follow(event, to);
    // Otherwise the browser opens another tab.
    if (event.defaultPrevented) onClose();
  };
  return (
    <a href={to} onClick={open}>
      {t('Show its invocations')}
    </a>
  );
}

function Failures({ operations, count }: Pick<ResultProps, 'operations'> & { count: number }) {
  if (count === 0) return null;
  const failures = operations.flatMap((one) => one.failures);
  return (
    <>
      <p>{t('{count} were not changed:', { count: formatNumber(count) })}</p>
      <ul class="failures">
        {failures.slice(0, 50).map(({ request_id, detail }) => (
          <li key={request_id}>
            <code>{request_id}</code> {detail}
          </li>
        ))}
      </ul>
    </>
  );
}
