import { formatDuration } from '#src/core/text/format-duration.ts';
import type { FunctionSummary, StatsRow } from '#src/gateway/api/schemas/functions.ts';
import { Icon } from '../parts/icon.tsx';
import { type Column, Rows } from '../parts/rows.tsx';
import { Link, paths } from '../shell/router.tsx';

export type Listed = { summary: FunctionSummary; stats: StatsRow | undefined; isInLoop: boolean };

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

export function FunctionList({ listed }: { listed: readonly Listed[] }) {
  return <Rows label="Functions" columns={columns} rows={listed.map((one) => ({ key: one.summary.name, cells: cellsOf(one) }))} />;
}

function cellsOf({ summary, stats, isInLoop }: Listed) {
  const { name, description, handler_kind, paused, policy, versions, aliases } = summary;
  const failures = failuresOf(stats);
  return [
    <div key="name" class="function-name">
      <Link to={paths.function(name)}>{name}</Link>
      <FunctionMarks isPaused={paused} isInLoop={isInLoop} kind={handler_kind} />
      {description === '' ? null : <small title={description}>{description}</small>}
    </div>,
    count(stats?.accepted),
    count(openOf(stats)),
    failures === 0 || stats === undefined ? (
      '–'
    ) : (
      <Link key="failed" to={`/?${new URLSearchParams({ function: name, status: 'FAIL,DISCARD', since: '1h' })}`} class="badge tone-failed">
        <Icon name="failed" size={14} />
        {failures.toLocaleString('en')} <span class="badge-note">({percent(failures, stats.accepted)})</span>
      </Link>
    ),
    time(stats?.queue_ms?.p99),
    stats?.duration_ms === undefined ? '–' : `${time(stats.duration_ms.p50)} / ${time(stats.duration_ms.p99)}`,
    policy.maxRetries,
    `${versions.length}${aliases.length === 0 ? '' : ` + ${aliases.length} ${aliases.length === 1 ? 'alias' : 'aliases'}`}`,
  ];
}

/** What should be seen about a function wherever its name stands. */
export function FunctionMarks({ isPaused, isInLoop, kind }: { isPaused: boolean; isInLoop: boolean; kind: string }) {
  return (
    <>
      {isPaused ? (
        <span class="badge tone-retrying" title="Nothing starts; what is queued waits, and ages">
          <Icon name="pause" size={14} /> Paused
        </span>
      ) : null}
      {isInLoop ? (
        <span class="badge tone-failed" title="Its destinations lead back to it">
          <Icon name="retrying" size={14} /> In a loop
        </span>
      ) : null}
      <span class="tag">{kind}</span>
    </>
  );
}

export function failuresOf(stats: Pick<StatsRow, 'by_condition'> | undefined): number {
  return Object.values(stats?.by_condition ?? {}).reduce((sum, count) => sum + count, 0);
}

/** Those that have no outcome yet. */
export function openOf(stats: Pick<StatsRow, 'by_state'> | undefined): number | undefined {
  if (stats === undefined) return undefined;
  return ['queued', 'running', 'retrying'].reduce((sum, state) => sum + (stats.by_state[state] ?? 0), 0);
}

export function percent(part: number, whole: number): string {
  const share = whole === 0 ? 0 : (part / whole) * 100;
  return `${share > 0 && share < 10 ? share.toFixed(1) : Math.round(share)} %`;
}

export function time(ms: number | undefined): string {
  return ms === undefined ? '–' : formatDuration(ms);
}

function count(value: number | undefined): string {
  return value === undefined || value === 0 ? '–' : value.toLocaleString('en');
}
