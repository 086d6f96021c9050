import { type Text, t, translated } from '../../shell/language.ts';
import { appearanceOf } from '../state-badge.tsx';
import { formatExactTime } from '../time.tsx';

const names: Readonly<Partial<Record<string, Text>>> = {
  state: 'state',
  status: 'status',
  since: 'accepted from',
  from: 'accepted from',
  until: 'accepted before',
  to: 'accepted before',
  before: 'before',
};

/** The name of a field of a filter. */
export function filterName(field: string): string {
  const known = Object.hasOwn(names, field) ? names[field] : undefined;
  return known === undefined ? translated(field.replaceAll('_', ' ')) : t(known);
}

/** The value of a field of a filter: states and statuses by their labels, and moments in the time zone of the page. */
export function filterValue(field: string, value: unknown, timeZone: 'local' | 'utc'): string {
  if (field === 'state' || field === 'status') {
    const all = Array.isArray(value) ? value : String(value).split(',');
    return all.map((one) => appearanceOf(String(one)).label).join(t(', '));
  }
  const moment = typeof value === 'number' ? value : Date.parse(String(value));
  return isMoment(field) && !Number.isNaN(moment) ? formatExactTime(moment, timeZone) : String(value);
}

function isMoment(field: string): boolean {
  return ['since', 'from', 'until', 'to', 'before'].includes(field);
}
