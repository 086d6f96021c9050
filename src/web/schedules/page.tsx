import { useState } from 'preact/hooks';
import type { ScheduleView } from '#src/gateway/api/schedules/schedule-schemas.ts';
import { get, post } from '../api/http.ts';
import { useAction } from '../invocation/actions.tsx';
import { DeleteDialog } from '../parts/forms/delete-dialog.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { formatNumber, t } from '../shell/language.ts';
import { useRole } from '../shell/login/session.ts';
import { navigate, paths } from '../shell/router.tsx';
import { showToast } from '../shell/toasts.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { ScheduleForm } from './schedule-form.tsx';
import { type ScheduleAction, ScheduleTable } from './schedule-table.tsx';
import '../styles/pages/functions.css';
import '../styles/pages/schedules.css';

const READ_EVERY_MS = 10_000;
/** How many of the next fire times a row shows. */
const UPCOMING = 3;

type OpenDialog = { kind: 'edit'; schedule: ScheduleView | undefined } | { kind: 'delete'; schedule: ScheduleView };

/** All schedules with their next fire times: to create, edit, pause, run and delete. */
export function SchedulesPage() {
  const { content, problem, reload } = useFetch(
    'schedules',
    (signal) => get<{ schedules: ScheduleView[] }>(`/api/schedules?next=${UPCOMING}`, signal),
    { everyMs: READ_EVERY_MS },
  );
  const [dialog, setDialog] = useState<OpenDialog>();
  const action = useAction<unknown>();
  const role = useRole('deploy');
  const schedules = content?.schedules;
  const close = (): void => setDialog(undefined);
  const perform = (kind: ScheduleAction, schedule: ScheduleView): void => {
    if (kind === 'edit' || kind === 'delete') return setDialog({ kind, schedule });
    void action.run(() => (kind === 'run' ? runNow(schedule) : setPaused(schedule, kind === 'pause').then(reload)));
  };
  return (
    <div class="page">
      <div class="page-head">
        <h1>{t('Schedules')}</h1>
        {schedules === undefined ? null : <span class="hint">{formatNumber(schedules.length)}</span>}
        <div class="spring" />
        <button type="button" class="button primary small" {...role} onClick={() => setDialog({ kind: 'edit', schedule: undefined })}>
          {t('New schedule…')}
        </button>
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {action.problem === undefined ? null : <ProblemNotice problem={action.problem} />}
      {schedules === undefined && problem === undefined ? <Skeleton lines={6} height={28} /> : null}
      {schedules?.length === 0 ? <NoSchedule /> : null}
      {schedules === undefined || schedules.length === 0 ? null : (
        <section class="card" aria-label={t('All schedules')}>
          <ScheduleTable schedules={schedules} isBusy={action.isRunning} onAction={perform} />
        </section>
      )}
      {dialog?.kind === 'edit' ? <ScheduleForm schedule={dialog.schedule} onClose={close} onSaved={reload} /> : null}
      {dialog?.kind === 'delete' ? (
        <DeleteDialog
          path={pathOf(dialog.schedule.name)}
          name={dialog.schedule.name}
          consequence={t('The schedule fires no more. The invocations that it requested stay.')}
          label={t('Delete the schedule')}
          onClose={close}
          onDone={reload}
        />
      ) : null}
    </div>
  );
}

function NoSchedule() {
  return (
    <Empty title={t('No schedules yet')} icon="clock" command="sequent schedule put nightly --cron '0 3 * * *' --function report -d '{}'">
      <p>{t('A schedule invokes a function again and again, at the times of a cron expression in a time zone.')}</p>
    </Empty>
  );
}

async function runNow({ name, function: owner }: ScheduleView): Promise<void> {
  const { request_id } = await post<{ request_id: string }>(`${pathOf(name)}/run`);
  navigate(paths.invocation(request_id, owner));
}

async function setPaused({ name }: ScheduleView, isPaused: boolean): Promise<void> {
  await post(`${pathOf(name)}/${isPaused ? 'pause' : 'resume'}`);
  showToast(isPaused ? t('{name} is paused: its fire times are not made up', { name }) : t('{name} is resumed', { name }));
}

const pathOf = (name: string): string => `/api/schedules/${encodeURIComponent(name)}`;
