import { expect, test } from 'vitest';
import { countsPath, filterBody, filterOf, listPath } from '#src/web/invocations/filter.ts';

test('the kind of a wait and a priority filter the list, its counts and a bulk operation alike', () => {
  const filter = filterOf(new URLSearchParams('wait_kind=slot,rate&priority=9&waits_for=orders&unknown=1'));
  expect(filter).toEqual({ wait_kind: 'slot,rate', priority: '9', waits_for: 'orders' });
  const query = (path: string) => Object.fromEntries(new URL(path, 'http://localhost').searchParams);
  expect(query(listPath(filter, { limit: 50 }))).toEqual({ ...filter, limit: '50' });
  expect(query(countsPath(filter, {}))).toEqual(filter);
  expect(filterBody(filter)).toEqual({ wait_kind: ['slot', 'rate'], priority: 9, waits_for: 'orders' });
});
