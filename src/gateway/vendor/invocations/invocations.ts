import type { Hono } from 'hono';
import { type HistoryFilter, statuses } from '#src/core/history-questions.ts';
import { type FunctionName, isRequestId } from '#src/core/names/names.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway, GatewayEnv } from '../../ports.ts';
import { pageOf } from '../paging.ts';
import { targetOf } from '../reference.ts';
import { parseMoment } from '../times.ts';
import { findRecord, type InvocationRecord, recordOfSummary } from './invocation-record.ts';

const FUNCTION = '/v2/:project/fgs/functions/:urn';
const HOUR_IN_MS = 3_600_000;
const MAX_IDS = 10;
/** The count at which the read model stops counting. */
const MAX_COUNT = 1_000_000;
/** The largest number of invocations that a marker may skip: each skipped page is read. */
const MAX_OFFSET = 50_000;
/** A marker from this number on contains a cursor; a smaller marker is a number of invocations to skip. Fits into 31 bits. */
const CURSOR_BASE = 1_000_000_000;

type Status = (typeof statuses)[number];
type Window = { since?: number; until?: number };

/** `listAsyncInvocations` and `listActiveAsyncInvocations`, the newest first. */
export function addInvocationLists(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, clock } = gateway;

  app.get(`${FUNCTION}/async-invocations`, async (call) => {
    const status = statusIn(call);
    const id = call.req.query('request_id') ?? '';
    if (id !== '') return await listByIds(call, [idIn(id, 'request_id')], status);
    return await listPage(call, status === undefined ? [] : [status]);
  });

  app.get(`${FUNCTION}/active-async-invocations`, async (call) => {
    const status = statusIn(call);
    const requests = call.req.query('requests') ?? '';
    if (requests !== '') {
      const ids = requests.split(',').map((id) => idIn(id.trim(), 'requests'));
      if (ids.length > MAX_IDS) throw badQuery(`requests names ${ids.length} invocations; at most ${MAX_IDS} are accepted`);
      return await listByIds(call, ids, status);
    }
    return await listPage(call, status === undefined ? ['WAIT', 'RUNNING'] : [status]);
  });

  /** The existing invocations with these ids that match the other filters. The default span of one hour does not apply to ids. */
  async function listByIds(call: Call, ids: readonly string[], status: Status | undefined): Promise<Response> {
    const { name } = await existing(call);
    const { marker, limit } = pageOf(call, PAGE);
    const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = windowIn(call);
    const found = await Promise.all([...new Set(ids)].map((id) => findRecord(gateway, name, id)));
    const all = found.filter(
      (one): one is InvocationRecord =>
        one !== undefined && (status === undefined || one.status === status) && one.acceptedAt >= since && one.acceptedAt < until,
    );
    const page = all.slice(marker, marker + limit);
    const next = marker + page.length;
    return reply(call, { records: page, count: all.length, next: next < all.length ? next : 0 });
  }

  async function listPage(call: Call, wanted: readonly Status[]): Promise<Response> {
    const { name, qualifier, isQualified } = await existing(call);
    const { marker, limit } = pageOf(call, PAGE);
    const filter = filterOf({ name, wanted, window: windowIn(call), now: clock.now(), ...(isQualified ? { qualifier } : {}) });
    // A finished invocation that the read model lacks now would be on no page of this walk: the next pages are older.
    const atLeast = await client.lastSequence();
    const cursor = marker >= CURSOR_BASE ? String(marker - CURSOR_BASE) : await skip(marker, filter, atLeast);
    const counting = () => client.history.count({ ...filter, most: MAX_COUNT }, { atLeast });
    if (cursor === null) return reply(call, { records: [], count: (await counting()).count, next: 0 });
    const [page, { count }] = await Promise.all([
      client.history.list({ ...filter, limit, ...(cursor === undefined ? {} : { cursor }) }, { atLeast }),
      counting(),
    ]);
    return reply(call, {
      records: page.invocations.map(recordOfSummary),
      count,
      next: page.cursor === null ? 0 : CURSOR_BASE + Number(page.cursor),
    });
  }

  /** The cursor after `offset` invocations: `undefined` for the first page, `null` if no further invocation exists. */
  async function skip(offset: number, filter: HistoryFilter, atLeast: number): Promise<string | null | undefined> {
    if (offset > MAX_OFFSET) throw badQuery(`marker skips more than ${MAX_OFFSET} invocations; follow next_marker instead`);
    let cursor: string | null | undefined;
    for (let remaining = offset; remaining > 0 && cursor !== null; remaining -= PAGE.max) {
      const page = { limit: Math.min(remaining, PAGE.max), ...(cursor === undefined ? {} : { cursor }) };
      ({ cursor } = await client.history.list({ ...filter, ...page }, { atLeast }));
    }
    return cursor;
  }

  async function existing(call: Call): Promise<{ name: FunctionName; qualifier: string; isQualified: boolean }> {
    const target = await targetOf(call, gateway);
    await client.functions.get(target.name);
    return target;
  }
}

type Wanted = { name: FunctionName; qualifier?: string; wanted: readonly Status[]; window: Window; now: number };

/** The filter of a list. Its span is the last hour unless the call names its start. */
function filterOf({ name, qualifier, wanted, window: { since, until }, now }: Wanted): HistoryFilter {
  return {
    function: name,
    ...(qualifier === undefined ? {} : { qualifier }),
    ...(wanted.length === 0 ? {} : { status: [...wanted] }),
    since: since ?? (until ?? now) - HOUR_IN_MS,
    ...(until === undefined ? {} : { until }),
  };
}

const PAGE = { limit: 'limit', default: 100, max: 500 };

function reply(call: Call, { records, count, next }: { records: readonly InvocationRecord[]; count: number; next: number }): Response {
  return call.json({ invocations: records.map(({ acceptedAt: _, ...record }) => record), count, next_marker: next });
}

function statusIn(call: Call): Status | undefined {
  const text = call.req.query('status') ?? '';
  if (text === '') return undefined;
  const status = statuses.find((one) => one === text);
  if (status === undefined) throw badQuery(`status must be one of ${statuses.join(', ')}`);
  return status;
}

function idIn(id: string, field: string): string {
  if (isRequestId(id)) return id;
  throw badQuery(`${field} must be ids of 1 to 64 letters, digits, "-" or "_"`);
}

/** The span of the query. Its end names a whole second, which is included. */
function windowIn(call: Call): Window {
  const read = (name: string): number | undefined => {
    const text = call.req.query(name) ?? '';
    if (text === '') return undefined;
    const at = parseMoment(text);
    if (at === undefined) throw badQuery(`${name} must be a time in UTC of the form YYYY-MM-DDTHH:mm:ss`);
    return at;
  };
  const since = read('query_begin_time');
  const end = read('query_end_time');
  if (since !== undefined && end !== undefined && since > end) throw badQuery('query_begin_time is later than query_end_time');
  return { ...(since === undefined ? {} : { since }), ...(end === undefined ? {} : { until: end + 1_000 }) };
}

function badQuery(message: string): HttpError {
  return new HttpError({ status: 400, vendorCode: 'FSS.1001', message });
}
