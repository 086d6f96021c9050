import type { z } from 'zod';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { verificationSchema } from '#src/gateway/api/schemas/system.ts';
import { post } from '../api/http.ts';
import { useAction } from '../invocation/actions.tsx';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { Link, paths } from '../shell/router.tsx';

type Verification = z.infer<typeof verificationSchema>;

/** Starts a verification of the log, and shows its findings. */
export function VerifyCard() {
  const { run, isRunning, problem, done } = useAction<Verification>();
  return (
    <section class="card" aria-label="Verify">
      <div class="card-head">
        <h2>Verify</h2>
        <div class="spring" />
        <button type="button" class="button small" disabled={isRunning} onClick={() => void run(() => post<Verification>('/api/verify'))}>
          {isRunning ? 'Reading the log…' : 'Verify the log'}
        </button>
      </div>
      <p class="hint">Reads the whole log, folds every invocation with the machine, and lists the facts that break a rule.</p>
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
        {found === 0 ? 'No rule is broken' : `${found.toLocaleString('en')} findings`}
      </p>
      <p class="hint">
        {messages.toLocaleString('en')} messages in {formatDuration(took_ms)}
        {is_complete ? '' : ' before the time limit'}: {balance.accepted.toLocaleString('en')} accepted,{' '}
        {balance.settled.toLocaleString('en')} settled, {open.toLocaleString('en')} open
      </p>
      <ul class="findings">
        {findings.map(({ rule, sequence, invocation, what }) => (
          <li key={`${sequence} ${rule} ${what}`}>
            <b>{rule}</b> <code>{sequence}</code> {what}{' '}
            {invocation === undefined ? null : (
              <Link to={paths.invocation(invocation)} class="mono">
                {invocation}
              </Link>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
