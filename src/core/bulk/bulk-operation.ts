import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { ConflictError, messageOf, SequentError, WrongStateError } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { KeyValue, KeyValueEntry } from '#src/core/ports/stores/key-value.ts';
import { abortPurge, listPurges, type PurgeRequest, readPurge, requestPurge } from './purge-operation.ts';

/*
 * Bulk operations: one action on many invocations, with a record in the state store.
 *
 * 1. One process runs an operation, and saves the progress after each part. Every save names the revision that the process knows.
 * 2. An abort is written into the record. The next save of the running process is then refused. The process saves its progress again, over
 *    every abort that was written meanwhile, and ends the operation.
 * 3. A purge has no record here: its erasure is the record, which the janitor writes. It cannot be aborted once the erasure is in the
 *    log, because that must be finished everywhere.
 * 4. An operation that saved nothing for STALE_AFTER_MS is interrupted. A gateway continues its own interrupted operations.
 */

const count = z.number().int().min(0);
const subjectSchema = z.object({ id: z.string(), function: z.string() });

const bulkOperationSchema = z.object({
  action: z.enum(['redrive', 'cancel', 'redeliver', 'dismiss', 'purge']),
  /** Of a purge that only counts what it would erase. */
  isTrial: z.literal(true).optional(),
  /** Who started it, and in which kind of process it runs. */
  by: z.string(),
  runner: z.enum(['gateway', 'cli', 'janitor']),
  /** The project of its caller; absent for an operator, who acts on all projects. */
  project: z.string().optional(),
  /** The query of the read model, or the invocations themselves. */
  filter: z.record(z.string(), z.unknown()).optional(),
  chosen: z.array(subjectSchema).max(500).optional(),
  reason: z.string().optional(),
  /** Of a redrive: the batch that the new invocations are members of. */
  batch: z.string().optional(),
  /** The sequence of the request that opened this batch. */
  batchRequest: z.number().optional(),
  state: z.enum(['running', 'done', 'aborted', 'failed']),
  /** What a running purge does now. */
  step: z.enum(['searching', 'waiting for the read models', 'erasing']).optional(),
  abortBy: z.string().optional(),
  total: count.optional(),
  isTotalAtLeast: z.boolean().optional(),
  /** Of a purge: the messages of the invocations that matched. */
  messages: count.optional(),
  done: count,
  failed: count,
  /** Invocations that needed no action, such as those that were redriven before. */
  leftOut: count,
  failures: z.array(subjectSchema.extend({ code: z.string(), detail: z.string() })),
  startedAt: z.number(),
  updatedAt: z.number(),
  endedAt: z.number().optional(),
  cursor: z.string().optional(),
  problem: z.string().optional(),
});
export type BulkOperation = z.infer<typeof bulkOperationSchema>;
export type BulkFailure = BulkOperation['failures'][number];
export type StoredBulk = { id: string; operation: BulkOperation; revision: number };
export type BulkState = BulkOperation['state'] | 'interrupted';

const PREFIX = 'bulk.';
/** The failures that a record names. All are counted. */
export const MAX_FAILURES = 100;
/** The ended operations that are kept. */
const MAX_KEPT = 200;
const STALE_AFTER_MS = 60_000;

export function bulkFailureOf(subject: z.infer<typeof subjectSchema>, error: unknown): BulkFailure {
  return { ...subject, code: error instanceof SequentError ? error.code : 'ERROR', detail: messageOf(error) };
}

/** The state of an operation. A running one whose process saved nothing for a minute is interrupted. */
export function bulkStateOf({ state, updatedAt }: BulkOperation, now: number): BulkState {
  return state === 'running' && now - updatedAt > STALE_AFTER_MS ? 'interrupted' : state;
}

export interface BulkStore {
  /** The operations, the newest first. */
  list(): Promise<StoredBulk[]>;
  get(id: string): Promise<StoredBulk | undefined>;
  /** Records a new operation, and forgets the oldest ended ones. */
  create(
    operation: Omit<BulkOperation, 'state' | 'done' | 'failed' | 'leftOut' | 'failures' | 'startedAt' | 'updatedAt'>,
  ): Promise<StoredBulk>;
  /** Requests an erasure, or a trial that only counts. A janitor performs both. */
  purge(request: PurgeRequest): Promise<StoredBulk>;
  /** Saves a change. When another process changed the record, returns its present content, and saves nothing. */
  save(known: StoredBulk, change: Partial<BulkOperation>): Promise<{ isSaved: boolean; stored: StoredBulk }>;
  /**
   * Saves the progress of the process that runs the operation. An abort that is written meanwhile stays in the record. Resolves to `undefined`,
   * and saves nothing, when another process has taken over the operation or the record was removed.
   */
  saveProgress(known: StoredBulk, change: Partial<BulkOperation>): Promise<StoredBulk | undefined>;
  /** Asks the process of an operation to end it. Throws `WrongStateError` when the operation is over. `undefined` for an unknown id. */
  abort(id: string, by: string): Promise<StoredBulk | undefined>;
}

export function createBulkStore(state: KeyValue, clock: Pick<Clock, 'now'>): BulkStore {
  async function get(id: string): Promise<StoredBulk | undefined> {
    if (!isId(id)) return undefined;
    return (await read(id)) ?? (await readPurge(state, id, clock.now()));
  }
  async function read(id: string): Promise<StoredBulk | undefined> {
    return parse(id, await state.get(PREFIX + id));
  }
  async function listOwn(keys: readonly string[]): Promise<StoredBulk[]> {
    const ids = keys.filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length));
    const found = await Promise.all(ids.sort().reverse().map(read));
    return found.filter((one) => one !== undefined);
  }
  async function list(): Promise<StoredBulk[]> {
    const keys = await state.keys();
    const all = [...(await listOwn(keys)), ...(await listPurges(state, keys, clock.now()))];
    return all.sort((one, other) => other.operation.startedAt - one.operation.startedAt);
  }
  async function save(known: StoredBulk, change: Partial<BulkOperation>): Promise<{ isSaved: boolean; stored: StoredBulk }> {
    const operation = { ...known.operation, ...change, updatedAt: clock.now() };
    try {
      const revision = await state.put(PREFIX + known.id, JSON.stringify(operation), known.revision);
      return { isSaved: true, stored: { id: known.id, operation, revision } };
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      return { isSaved: false, stored: (await get(known.id)) ?? known };
    }
  }
  return {
    list,
    get,
    save,
    async saveProgress(known, change) {
      for (let present = known; ; ) {
        const { isSaved, stored } = await save(present, change);
        if (isSaved) return stored;
        if (stored.operation.abortBy === undefined || stored.revision === present.revision) return undefined;
        present = stored;
      }
    },
    purge: (request) => requestPurge(state, request, clock.now()),
    async create(given) {
      const ended = (await listOwn(await state.keys())).filter(({ operation }) => operation.state !== 'running').slice(MAX_KEPT - 1);
      for (const { id } of ended) await state.delete(PREFIX + id);
      const now = clock.now();
      // Later ids are greater.
      const id = `${now.toString(36).padStart(9, '0')}-${randomBytes(4).toString('hex')}`;
      const counts = { done: 0, failed: 0, leftOut: 0, failures: [] };
      const operation: BulkOperation = { ...given, ...counts, state: 'running', startedAt: now, updatedAt: now };
      return { id, operation, revision: await state.put(PREFIX + id, JSON.stringify(operation), 0) };
    },
    async abort(id, by) {
      if (!isId(id)) return undefined;
      for (let known = await read(id); known !== undefined; ) {
        const present = bulkStateOf(known.operation, clock.now());
        refuseAbort(id, present);
        // No process ends an interrupted operation.
        const ended = present === 'interrupted' ? { state: 'aborted' as const, endedAt: clock.now() } : {};
        const { isSaved, stored } = await save(known, { abortBy: by, ...ended });
        if (isSaved) return stored;
        known = stored;
      }
      return await abortPurge(state, id, { by, now: clock.now() });
    },
  };
}

const isId = (id: string): boolean => /^[a-z0-9-]{1,40}$/.test(id);

/** Throws `WrongStateError` for an operation that is over. */
function refuseAbort(id: string, present: BulkState): void {
  if (present !== 'running' && present !== 'interrupted') throw new WrongStateError({ what: `bulk operation ${id} is over: ${present}` });
}

function parse(id: string, entry: KeyValueEntry | undefined): StoredBulk | undefined {
  const parsed = bulkOperationSchema.safeParse(parseJson(entry?.value ?? ''));
  return entry === undefined || !parsed.success ? undefined : { id, operation: parsed.data, revision: entry.revision };
}
