import { formatDuration } from '#src/core/text/format-duration.ts';
import type { FunctionSummary, StatsRow } from '#src/gateway/api/functions/function-schemas.ts';
import { Icon } from '../parts/icon.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { formatNumber, t, tn } from '../shell/language.ts';
import { Link, paths } from '../shell/router.tsx';

/** A function in the list, with its statistics of the last hour. */
export type FunctionRow = { summary: FunctionSummary; stats: StatsRow | undefined; isInLoop: boolean };

const columns: readonly Column[] = [
  { head: 'Function' },
  { head: 'Accepted', isNumber: true },
  { head: 'Open', isNumber: true },
  { head: 'Failed', isNumber: true },
  { head: 'Queue p99', isNumber: true },
  { head: 'p50 / p99', isNumber: true },
  { head: 'Retries', isNumber: true },
  { head: 'Versions', isNumber: true },
];

export function FunctionList({ rows }: { rows: readonly FunctionRow[] }) {
  return <Table label={t('Functions')} columns={columns} rows={rows.map((one) => ({ key: one.summary.name, cells: cellsOf(one) }))} />;
}

function cellsOf({ summary, stats, isInLoop }: FunctionRow) {
  const { name, description, handler_kind, paused, policy, versions, aliases } = summary;
  const failures = failuresOf(stats);
  return [
    <div key="name" class="function-name">
      <Link to={paths.function(name)}>{name}</Link>
      <FunctionBadges isPaused={paused} isInLoop={isInLoop} kind={handler_kind} />
      {description === '' ? null : <small title={description}>{description}</small>}
    </div>,
    count(stats?.accepted),
    count(openOf(stats)),
    failures === 0 || stats === undefined ? (
      '–'
    ) : (
      <Link key="failed" to={`/?${new URLSearchParams({ function: name, status: 'FAIL,DISCARD', since: '1h' })}`} class="badge tone-failed">
        <Icon name="failed" size={14} />
        {formatNumber(failures)} <span class="badge-note">({percent(failures, stats.accepted)})</span>
      </Link>
    ),
    durationText(stats?.queue_ms?.p99),
    stats?.duration_ms === undefined ? '–' : `${durationText(stats.duration_ms.p50)} / ${durationText(stats.duration_ms.p99)}`,
    policy.maxRetries,
    aliases.length === 0
      ? versions.length
      : t('{versions} + {aliases}', { versions: versions.length, aliases: tn(aliases.length, ['{count} alias', '{count} aliases']) }),
  ];
}

/** The badges beside a function's name: paused, in a loop, and the kind of its handler. */
export function FunctionBadges({ isPaused, isInLoop, kind }: { isPaused: boolean; isInLoop: boolean; kind: string }) {
  return (
    <>
      {isPaused ? (
        <span class="badge tone-retrying" title={t('No attempt starts. Queued invocations wait, and their age grows.')}>
          <Icon name="pause" size={14} /> {t('Paused')}
        </span>
      ) : null}
      {isInLoop ? (
        <span class="badge tone-failed" title={t('Its destinations lead back to this function')}>
          <Icon name="retrying" size={14} /> {t('In a loop')}
        </span>
      ) : null}
      <span class="tag">{kind}</span>
    </>
  );
}

/** The number of failed invocations. */
export function failuresOf(stats: Pick<StatsRow, 'by_condition'> | undefined): number {
  return Object.values(stats?.by_condition ?? {}).reduce((sum, count) => sum + count, 0);
}

/** The number of invocations without an outcome. */
export function openOf(stats: Pick<StatsRow, 'by_state'> | undefined): number | undefined {
  if (stats === undefined) return undefined;
  return ['queued', 'running', 'retrying'].reduce((sum, state) => sum + (stats.by_state[state] ?? 0), 0);
}

/** A share in percent, with a decimal place below 10 %. */
export function percent(part: number, whole: number): string {
  const share = whole === 0 ? 0 : (part / whole) * 100;
  return `${share > 0 && share < 10 ? share.toFixed(1) : Math.round(share)} %`;
}

/** A duration, or a dash where there is none. */
export function durationText(ms: number | undefined): string {
  return ms === undefined ? '–' : formatDuration(ms);
}

function count(value: number | undefined): string {
  return value === undefined || value === 0 ? '–' : formatNumber(value);
}
