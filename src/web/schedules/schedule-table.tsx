import type { ScheduleView } from '#src/gateway/api/schedules/schedule-schemas.ts';
import { Icon } from '../parts/icon.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { ExactTime, RelativeTime } from '../parts/time.tsx';
import { formatNumber, t } from '../shell/language.ts';
import { useRole } from '../shell/login/session.ts';
import { Link, paths } from '../shell/router.tsx';

export type ScheduleAction = 'run' | 'pause' | 'resume' | 'edit' | 'delete';

const columns: readonly Column[] = [
  { head: 'Schedule' },
  { head: 'Function' },
  { head: 'Fire times' },
  { head: 'Next fire times' },
  { head: 'Fired', isNumber: true },
  { head: 'Last' },
  { head: 'Actions' },
];

type ScheduleTableProps = {
  schedules: readonly ScheduleView[];
  isBusy: boolean;
  onAction: (action: ScheduleAction, schedule: ScheduleView) => void;
};

export function ScheduleTable({ schedules, isBusy, onAction }: ScheduleTableProps) {
  return (
    <Table
      label={t('Schedules')}
      columns={columns}
      rows={schedules.map((schedule) => ({
        key: schedule.name,
        cells: [...cellsOf(schedule), <Actions key="actions" {...{ schedule, isBusy, onAction }} />],
      }))}
    />
  );
}

function cellsOf(schedule: ScheduleView) {
  const { name, description, paused, function: fn, qualifier, cron, time_zone, next, fired, skipped, missed, last } = schedule;
  return [
    <div key="name" class="function-name">
      <Link to={`/?${new URLSearchParams({ schedule: name })}`} title={t('The invocations of this schedule')}>
        {name}
      </Link>
      {paused ? (
        <span class="badge tone-retrying">
          <Icon name="pause" size={14} /> {t('Paused')}
        </span>
      ) : null}
      {description === '' ? null : <small title={description}>{description}</small>}
    </div>,
    <Link key="function" to={paths.function(fn)}>
      {qualifier === undefined ? fn : `${fn}:${qualifier}`}
    </Link>,
    <span key="times">
      <code>{cron}</code> <small>{time_zone}</small>
    </span>,
    next.length === 0 ? (
      paused ? (
        '–'
      ) : (
        t('never')
      )
    ) : (
      <ul key="next" class="fire-times">
        {next.map(({ at, due_at }, index) => (
          <li key={at}>{index === 0 ? <FirstTime at={due_at} /> : <ExactTime at={due_at} isPlanned />}</li>
        ))}
      </ul>
    ),
    <span key="fired">
      {formatNumber(fired)}
      {skipped === undefined ? null : <small class="fire-note">{t('{count} skipped', { count: formatNumber(skipped.count) })}</small>}
      {missed === undefined ? null : (
        <small class="fire-note wrong" title={t('These fire times were later than the catch-up window.')}>
          {t('missed until')} <RelativeTime at={missed.to} />
        </small>
      )}
    </span>,
    last === undefined ? (
      '–'
    ) : (
      <Link key="last" to={paths.invocation(last.request_id, fn)}>
        <RelativeTime at={last.at} />
      </Link>
    ),
  ];
}

function FirstTime({ at }: { at: number }) {
  return (
    <>
      <ExactTime at={at} isPlanned />{' '}
      <small>
        <RelativeTime at={at} />
      </small>
    </>
  );
}

type ActionsProps = { schedule: ScheduleView } & Pick<ScheduleTableProps, 'isBusy' | 'onAction'>;

function Actions({ schedule, isBusy, onAction }: ActionsProps) {
  const deploy = useRole('deploy');
  const invoke = useRole('invoke');
  const { name, paused } = schedule;
  const button = (action: ScheduleAction, label: string, text: string) => (
    <button
      type="button"
      class="button quiet small"
      aria-label={label}
      title={(action === 'run' ? invoke : deploy).title}
      disabled={isBusy || (action === 'run' ? invoke : deploy).disabled}
      onClick={() => onAction(action, schedule)}
    >
      {text}
    </button>
  );
  return (
    <span class="fire-actions">
      {button('run', t('Run now: {name}', { name }), t('Run now'))}
      {paused ? button('resume', t('Resume {name}', { name }), t('Resume')) : button('pause', t('Pause {name}', { name }), t('Pause'))}
      {button('edit', t('Edit {name}', { name }), t('Edit…'))}
      {button('delete', t('Delete {name}', { name }), t('Delete'))}
    </span>
  );
}
