import type { FunctionView, VersionStats } from '#src/gateway/api/functions/function-schemas.ts';
import { request } from '../../api/http.ts';
import { useAction } from '../../invocation/actions.tsx';
import { ProblemNotice } from '../../parts/notices.tsx';
import { Dialog, DialogFooter } from '../../shell/dialog.tsx';
import { t } from '../../shell/language.ts';
import { showToast } from '../../shell/toasts.tsx';

/** The end of a canary: all requests of its alias go to `to`. */
export type CanaryMove = { verb: 'promote' | 'rollback'; to: string };

type MoveProps = {
  path: string;
  alias: FunctionView['aliases'][number];
  move: CanaryMove;
  verdicts: VersionStats['verdicts'];
  onClose: () => void;
  onDone: () => void;
};

/** Ends a canary after a question that says what changes, and what the test says so far. */
export function MoveDialog({ path, alias: { alias, version, weights, auto }, move: { verb, to }, verdicts, onClose, onDone }: MoveProps) {
  const { run, isRunning, problem } = useAction<unknown>();
  const before = [...Object.entries(weights), [version, 100 - Object.values(weights).reduce((sum, share) => sum + share, 0)] as const];
  const label = verb === 'promote' ? t('Promote {version}', { version: to }) : t('Roll back to {version}', { version: to });
  const end = (): void =>
    void run(async () => {
      const body = verb === 'promote' ? { version: to } : {};
      await request(`${path}/aliases/${encodeURIComponent(alias)}/${verb}`, { method: 'POST', body });
      showToast(t('!{alias} sends all requests to {version}', { alias, version: to }));
      onDone();
      onClose();
      return true;
    });
  return (
    <Dialog title={label} onClose={onClose}>
      <div class="dialog-body">
        <p>
          {t('Requests of !{alias} now: {before}. Afterwards: 100 % to {version}.', {
            ...{ alias, version: to },
            before: before.map(([other, share]) => t('{share} % to {version}', { share, version: other })).join(t(', ')),
          })}
        </p>
        <p>{t('Invocations that started keep their version. Queued ones run the new one.')}</p>
        {auto === undefined ? null : <p>{t('The automatic canary ends.')}</p>}
        {verdicts.map(({ version: canary, in_words }) => (
          <p key={canary}>{in_words}</p>
        ))}
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class={verb === 'promote' ? 'button primary' : 'button danger'} disabled={isRunning} onClick={end}>
          {label}
        </button>
      </DialogFooter>
    </Dialog>
  );
}
