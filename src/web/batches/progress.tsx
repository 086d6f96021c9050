import type { BatchView } from '#src/gateway/api/batches/batch-schemas.ts';
import { Icon } from '../parts/icon.tsx';
import { appearanceOf } from '../parts/state-badge.tsx';
import { formatNumber, t } from '../shell/language.ts';
import { Link } from '../shell/router.tsx';

/** The parts of a batch: its members by their outcome, and those without one by their state. */
const parts = [
  { field: 'status', value: 'SUCCESS' },
  { field: 'status', value: 'FAIL' },
  { field: 'status', value: 'DISCARD' },
  { field: 'state', value: 'running' },
  { field: 'state', value: 'retrying' },
  { field: 'state', value: 'queued' },
] as const;
type Part = (typeof parts)[number];

function countOf({ by_status, by_state }: BatchView, part: Part): number {
  return (part.field === 'status' ? by_status[part.value] : by_state[part.value]) ?? 0;
}

/** How many members have no outcome. */
export function openMembersOf({ by_status: { WAIT = 0, RUNNING = 0 } }: BatchView): number {
  return WAIT + RUNNING;
}

/** How many members failed or were discarded. */
export function failuresOf({ by_status: { FAIL = 0, DISCARD = 0 } }: BatchView): number {
  return FAIL + DISCARD;
}

/** Such as `3 of 5 over`. */
export function progressText(batch: BatchView): string {
  const { members } = batch;
  return t('{over} of {members} over', { over: formatNumber(members - openMembersOf(batch)), members: formatNumber(members) });
}

/** One bar, which the parts of the batch share by their counts. */
export function ProgressBar({ batch }: { batch: BatchView }) {
  return (
    <div class="batch-bar" role="img" aria-label={progressText(batch)}>
      {parts.map((part) => {
        const count = countOf(batch, part);
        const { tone, label } = appearanceOf(part.value);
        if (count === 0) return null;
        return <span key={part.value} class={`tone-${tone}`} style={{ flexGrow: count }} title={`${label}: ${formatNumber(count)}`} />;
      })}
    </div>
  );
}

/** The count of each part, which leads to its invocations. */
export function PartCounts({ batch }: { batch: BatchView }) {
  return (
    <ul class="batch-parts">
      {parts.map((part) => {
        const { tone, icon, label } = appearanceOf(part.value);
        const count = countOf(batch, part);
        return (
          <li key={part.value} class={count === 0 ? 'tone-muted' : `tone-${tone}`}>
            <Icon name={icon} size={14} />
            {count === 0 ? <span>{label}</span> : <Link to={membersPath(batch, { [part.field]: part.value })}>{label}</Link>}
            <strong>{formatNumber(count)}</strong>
          </li>
        );
      })}
    </ul>
  );
}

/** The list of the members of a batch. */
export function membersPath({ id, function: fn }: BatchView, filter: Readonly<Record<string, string>> = {}): string {
  return `/?${new URLSearchParams({ batch: id, function: fn, ...filter })}`;
}
