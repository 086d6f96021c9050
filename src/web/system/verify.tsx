import type { z } from 'zod';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { verificationSchema } from '#src/gateway/api/system/system-schemas.ts';
import { post } from '../api/http.ts';
import { useAction } from '../invocation/actions.tsx';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { formatNumber, t } from '../shell/language.ts';
import { Link, paths } from '../shell/router.tsx';

type Verification = z.infer<typeof verificationSchema>;

/** Starts a verification of the log, and shows its findings. */
export function VerifyCard() {
  const { run, isRunning, problem, done } = useAction<Verification>();
  return (
    <section class="card" aria-label={t('Verify')}>
      <div class="card-head">
        <h2>{t('Verify')}</h2>
        <div class="spring" />
        <button type="button" class="button small" disabled={isRunning} onClick={() => void run(() => post<Verification>('/api/verify'))}>
          {isRunning ? t('Reading the log…') : t('Verify the log')}
        </button>
      </div>
      <p class="hint">{t('Reads the whole log, folds every invocation with the machine, and lists the facts that break a rule.')}</p>
      {problem === undefined ? null : <ProblemNotice problem={problem} />}
      <div role="status">{done === undefined ? null : <Findings verification={done} />}</div>
    </section>
  );
}

function Findings({ verification: { messages, findings, found, is_complete, balance, took_ms } }: { verification: Verification }) {
  const open = Object.values(balance.open).reduce((sum, count) => sum + count, 0);
  return (
    <>
      <p class={`badge ${found === 0 ? 'tone-succeeded' : 'tone-failed'}`}>
        <Icon name={found === 0 ? 'succeeded' : 'failed'} size={14} />
        {found === 0 ? t('No rule is broken') : t('{count} findings', { count: formatNumber(found) })}
      </p>
      <p class="hint">
        {t(
          is_complete
            ? '{messages} messages in {duration}: {accepted} accepted, {settled} settled, {open} open'
            : '{messages} messages in {duration} before the time limit: {accepted} accepted, {settled} settled, {open} open',
          {
            messages: formatNumber(messages),
            duration: formatDuration(took_ms),
            accepted: formatNumber(balance.accepted),
            settled: formatNumber(balance.settled),
            open: formatNumber(open),
          },
        )}
      </p>
      <ul class="findings">
        {findings.map(({ rule, sequence, invocation, function: owner, what }) => (
          <li key={`${sequence} ${rule} ${what}`}>
            <b>{rule}</b> <code>{sequence}</code> {what}{' '}
            {invocation === undefined ? null : (
              <Link to={paths.invocation(invocation, owner)} class="mono">
                {invocation}
              </Link>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
