import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { Icon } from '../parts/icon.tsx';
import { formatBytes } from '../parts/payload-text.ts';
import { type Column, Table } from '../parts/table.tsx';
import { formatNumber, type Text, t } from '../shell/language.ts';

type Quota = SystemView['quotas'][number];

const columns: readonly Column[] = [
  { head: 'Project' },
  { head: 'Quota' },
  { head: 'In use', isNumber: true },
  { head: 'Limit', isNumber: true },
  { head: 'Refused', isNumber: true },
  { head: 'State' },
];

const names: Readonly<Record<Quota['quota'], Text>> = {
  open: 'open invocations',
  rate: 'requests per second',
  stored_bytes: 'stored bytes',
  functions: 'functions',
  schedules: 'schedules',
  definition_bytes: 'bytes of definitions',
};

/** The quotas of projects, and what is used of them. Without a quota there is no card. */
export function QuotasCard({ quotas }: { quotas: SystemView['quotas'] }) {
  if (quotas.length === 0) return null;
  return (
    <section class="card" aria-label={t('Quotas')}>
      <div class="card-head">
        <h2>{t('Quotas')}</h2>
        <span class="hint">{t('what a project may send and define over HTTP')}</span>
      </div>
      <Table label={t('Quotas')} columns={columns} rows={quotas.map(rowOf)} />
    </section>
  );
}

function amountOf(quota: Quota['quota'], amount: number): string {
  return quota === 'stored_bytes' || quota === 'definition_bytes' ? formatBytes(amount) : formatNumber(amount);
}

function rowOf({ project, quota, limit, used, refused, is_reached }: Quota) {
  return {
    key: `${project} ${quota}`,
    cells: [
      <b key="project" class="wrap">
        {project}
      </b>,
      t(names[quota]),
      used === undefined ? '–' : amountOf(quota, used),
      amountOf(quota, limit),
      formatNumber(refused),
      is_reached ? (
        <span key="state" class="badge tone-retrying">
          <Icon name="alert" size={14} /> {t('reached')}
        </span>
      ) : (
        <span key="state" class="plain-icon">
          <Icon name="succeeded" size={14} /> {t('free')}
        </span>
      ),
    ],
  };
}
